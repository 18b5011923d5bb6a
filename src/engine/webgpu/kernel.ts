// A kernel: WGSL text, the resources it is bound to, and how many workgroups a batch needs. The text
// knows shapes but neither layers nor places: those come from bindings and from a small uniform
// array of constants, so layers of one shape share one pipeline (ResNet-1202 has about as many
// pipelines as ResNet-20).
//
// Portable limits: at most 8 storage buffers, 256 threads and 16 KiB of workgroup memory a kernel;
// nothing assumes a subgroup size.

import type { BufferId, NormId, NormSpec } from '../program.ts';
import type { MatrixUnit } from './matrix-unit.ts';
import type { StorageFormat, TensorAccess } from './storage.ts';
import { tensorAccess, wgslElement } from './storage.ts';

/** What a binding is bound to. */
export type Resource =
  | { readonly kind: 'buffer'; readonly id: BufferId }
  /** Scale, shift and the rest of one batch normalisation (`NORM_ROWS`). */
  | { readonly kind: 'norm'; readonly id: NormId }
  /** Partial sums, which live between the kernels that use them. */
  | { readonly kind: 'scratch'; readonly id: number }
  /** Loss and rank of each image. */
  | { readonly kind: 'results' }
  /** Loss scaling of half precision, see loss-scale.ts. */
  | { readonly kind: 'lossScale' }
  /** What changes from step to step: count, learning rate ... (`STEP_STRUCT`). */
  | { readonly kind: 'step' };

export type Access = 'read' | 'read_write' | 'uniform';

export interface Binding {
  readonly name: string;
  readonly resource: Resource;
  readonly access: Access;
  readonly type: string;
}

export interface Kernel {
  /** Operation and layer, such as `convolution layer1.0.conv1`. */
  readonly label: string;
  readonly source: string;
  readonly bindings: readonly Binding[];
  readonly constants: readonly number[];
  /** Workgroups in x and y for `count` images. */
  readonly workgroups: (count: number) => readonly [number, number];
  /** Multiply-adds of the direct algorithm for one image. */
  readonly multiplyAddsPerImage: number;
  /** Only in steps that update the weights. */
  readonly updatesWeights: boolean;
  /** Names the tile shape it was made with, where there is a choice. */
  readonly tileKey?: string;
}

/** Rows of a norm's coefficients, each of `channels` floats. */
export const NORM_ROWS = {
  scale: 0,
  shift: 1,
  mean: 2,
  inverseDeviation: 3,
  k1: 4,
  k2: 5,
  k3: 6,
} as const;
/** One row is unused: with 8, every norm starts at a multiple of 256 bytes (16 channels or more). */
export const NORM_ROW_COUNT = 8;

/** `most` is the largest u32; see `KernelBuilder.bound`. */
const STEP_STRUCT =
  'struct Step { count: u32, learningRate: f32, momentum: f32, weightDecay: f32, most: u32, muonLearningRate: f32, muonWeightDecay: f32 }';
export const STEP_BYTES = 32;

/** Places in the loss scaling's buffer: f32, f32, u32, u32. */
export const LOSS_SCALE = { scale: 0, inverse: 1, goodSteps: 2, overflow: 3 } as const;
export const LOSS_SCALE_BYTES = 16;

/** What all kernels of a program have in common. */
export interface CodeOptions {
  readonly formatOf: (id: BufferId) => StorageFormat;
  /** Half precision: gradients are computed times a loss scale. */
  readonly isScaled: boolean;
  /** Hides the bounds of loops from the compiler, see `KernelBuilder.bound`. */
  readonly hideBounds: boolean;
}

/** WGSL expressions for the elements of a bound norm's rows. */
export interface NormAccess {
  row(row: keyof typeof NORM_ROWS, element: string): string;
}

function rowsOf(name: string, length: number): NormAccess {
  return { row: (row, element) => `${name}[${NORM_ROWS[row] * length}u + ${element}]` };
}

export interface KernelParts {
  readonly label: string;
  /** Threads of a workgroup. */
  readonly threads: number;
  /** Module-scope declarations: workgroup memory and functions. */
  readonly declarations?: string;
  /** Body of the entry point; may use `group` (vec3u, workgroup) and `tid` (u32, thread). */
  readonly body: string;
  readonly workgroups: (count: number) => readonly [number, number];
  readonly multiplyAddsPerImage?: number;
  readonly updatesWeights?: boolean;
  readonly tileKey?: string;
}

/** Collects a kernel's bindings while its text is written. */
export class KernelBuilder {
  private readonly bindings: { -readonly [Key in keyof Binding]: Binding[Key] }[] = [];
  private readonly constants: number[] = [];
  private readonly extensions = new Set<string>();
  private readonly options: CodeOptions;
  private matrices: MatrixUnit | undefined;

  constructor(options: CodeOptions) {
    this.options = options;
  }

  /** An activation, read and written four channels at a time. */
  tensor(role: string, id: BufferId, access: 'read' | 'read_write'): TensorAccess {
    const format = this.options.formatOf(id);
    if (format === 'f16') this.enable('f16');
    return tensorAccess(
      format,
      this.bind(role, bufferResource(id), access, arrayOf(wgslElement(format))),
    );
  }

  /** An array of plain elements: parameters, sums, labels. Returns its name. */
  array(
    role: string,
    resource: Resource | BufferId,
    access: 'read' | 'read_write',
    element: 'f32' | 'vec4f' | 'vec2f' | 'u32' | 'i32' | 'atomic<u32>',
  ): string {
    const bound = typeof resource === 'number' ? bufferResource(resource) : resource;
    return this.bind(role, bound, access, arrayOf(element));
  }

  /** Coefficients of a norm, to read. */
  norm(role: string, id: NormId, channels: number): NormAccess {
    const quads = channels / 4;
    const type = `array<vec4f, ${NORM_ROW_COUNT * quads}>`;
    return rowsOf(this.bind(role, { kind: 'norm', id }, 'uniform', type), quads);
  }

  /** Coefficients of a norm, to write, one channel at a time. */
  writableNorm({ channels }: NormSpec, id: NormId): NormAccess {
    return rowsOf(this.bind('norm', { kind: 'norm', id }, 'read_write', arrayOf('f32')), channels);
  }

  /** The loss scale or its inverse, as an f32 expression; 1 in float32. */
  lossScale(which: 'scale' | 'inverse'): string {
    if (!this.options.isScaled) return '1.0';
    const name = this.bind('lossScale', { kind: 'lossScale' }, 'read', arrayOf('f32'));
    return `${name}[${LOSS_SCALE[which]}]`;
  }

  /** Turns on an extension of WGSL. */
  enable(extension: string): void {
    this.extensions.add(extension);
  }

  /** For kernels that multiply matrices by subgroups, whose number in the workgroup is `subgroup`. */
  useMatrices(unit: MatrixUnit): void {
    this.matrices = unit;
    this.enable('chromium_experimental_subgroup_matrix');
    if (unit.asksForSize) this.enable('subgroup_size_control');
  }

  get isScaled(): boolean {
    return this.options.isScaled;
  }

  /** Name of the step's uniform struct. */
  step(): string {
    return this.bind('step', { kind: 'step' }, 'uniform', 'Step');
  }

  /** A number that differs between layers of one shape, as a `u32` expression. */
  constant(value: number): string {
    const index = this.constants.push(value) - 1;
    return `constants[${Math.floor(index / 4)}].${'xyzw'[index % 4]}`;
  }

  /**
   * Rows of at most four numbers that differ between places of one kernel. Gives a row, whose number is
   * a `u32` expression, as a `vec4u` expression.
   */
  table(rows: readonly (readonly number[])[]): (row: string) => string {
    while (this.constants.length % 4 !== 0) this.constants.push(0);
    const first = this.constants.length / 4;
    for (const row of rows) this.constants.push(...[0, 1, 2, 3].map((i) => row[i] ?? 0));
    return (row) => `constants[${first}u + ${row}]`;
  }

  /**
   * The bound of a loop, as a `u32` expression. GPU compilers should know it. Mesa's CPU driver unrolls
   * every loop whose bound it knows, which makes one kernel take LLVM seconds instead of tenths.
   */
  bound(value: number): string {
    return this.options.hideBounds ? `min(${value}u, ${this.step()}.most)` : `${value}u`;
  }

  build(parts: KernelParts): Kernel {
    const { bindings, constants } = this;
    const storage = bindings.filter(({ access }) => access !== 'uniform').length;
    if (storage > 8) throw new Error(`${parts.label} needs ${storage} storage buffers`);
    if (parts.threads > 256) throw new Error(`${parts.label} needs ${parts.threads} threads`);
    const variables = bindings.map(({ name, access, type }, index) => {
      const space = access === 'uniform' ? 'uniform' : `storage, ${access}`;
      return `@group(0) @binding(${index}) var<${space}> ${name}: ${type};`;
    });
    if (constants.length > 0) {
      const type = `array<vec4u, ${Math.ceil(constants.length / 4)}>`;
      variables.push(`@group(0) @binding(${bindings.length}) var<uniform> constants: ${type};`);
    }
    const { matrices } = this;
    const size = matrices?.asksForSize ? ` @subgroup_size(${matrices.subgroupSize})` : '';
    const inputs = [
      '@builtin(workgroup_id) group: vec3u',
      '@builtin(local_invocation_index) tid: u32',
      ...(matrices ? ['@builtin(subgroup_id) subgroup: u32'] : []),
    ];
    const source = [
      ...[...this.extensions].sort().map((extension) => `enable ${extension};`),
      ...(bindings.some(({ resource }) => resource.kind === 'step') ? [STEP_STRUCT] : []),
      ...variables,
      parts.declarations ?? '',
      `@compute @workgroup_size(${parts.threads})${size}`,
      `fn main(${inputs.join(', ')}) {`,
      parts.body,
      '}',
    ].join('\n');
    return {
      label: parts.label,
      source,
      bindings,
      constants,
      workgroups: parts.workgroups,
      multiplyAddsPerImage: parts.multiplyAddsPerImage ?? 0,
      updatesWeights: parts.updatesWeights ?? false,
      tileKey: parts.tileKey,
    };
  }

  /** One binding a resource: an operand that is also the output is bound once, writable. */
  private bind(role: string, resource: Resource, access: Access, type: string): string {
    const known = this.bindings.find((binding) => sameResource(binding.resource, resource));
    if (known && (known.access === 'uniform') === (access === 'uniform')) {
      if (access === 'read_write') known.access = access;
      return known.name;
    }
    this.bindings.push({ name: role, resource, access, type });
    return role;
  }
}

function bufferResource(id: BufferId): Resource {
  return { kind: 'buffer', id };
}

function sameResource(a: Resource, b: Resource): boolean {
  return a.kind === b.kind && ('id' in a ? a.id : 0) === ('id' in b ? b.id : 0);
}

function arrayOf(element: string): string {
  return `array<${element}>`;
}
