// How activations lie in memory: float32, or half precision in one of two ways. Kernels see only
// four channels at a time as vec4f, so arithmetic and sums are float32 whatever the storage is.

/** 'packed' holds halves in pairs in u32, for adapters that hide `shader-f16`. */
export type StorageFormat = 'f32' | 'f16' | 'packed';

/** Bytes of one element. */
export function elementBytes(format: StorageFormat): number {
  return format === 'f32' ? 4 : 2;
}

/** WGSL type of four channels. */
export function wgslElement(format: StorageFormat): string {
  switch (format) {
    case 'f32':
      return 'vec4f';
    case 'f16':
      return 'vec4h';
    case 'packed':
      return 'vec2u';
    default:
      throw new Error(`unknown format ${format satisfies never}`);
  }
}

/** Reads and writes of a bound activation, as WGSL. */
export interface TensorAccess {
  readonly name: string;
  /** vec4f expression: four channels at `index` (in vectors, not elements). */
  load(index: string): string;
  /** Statement. */
  store(index: string, value: string): string;
}

export function tensorAccess(format: StorageFormat, name: string): TensorAccess {
  switch (format) {
    case 'f32':
      return {
        name,
        load: (index) => `${name}[${index}]`,
        store: (index, value) => `${name}[${index}] = ${value};`,
      };
    case 'f16':
      return {
        name,
        load: (index) => `vec4f(${name}[${index}])`,
        store: (index, value) => `${name}[${index}] = vec4h(${value});`,
      };
    case 'packed':
      return {
        name,
        load: (index) =>
          `vec4f(unpack2x16float(${name}[${index}].x), unpack2x16float(${name}[${index}].y))`,
        store: (index, value) =>
          `${name}[${index}] = vec2u(pack2x16float((${value}).xy), pack2x16float((${value}).zw));`,
      };
    default:
      throw new Error(`unknown format ${format satisfies never}`);
  }
}
