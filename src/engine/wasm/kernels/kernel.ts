// What a kernel is: a WebAssembly function generated for one shape. Each is declared once, by
// `defineKernel` in a file of its own, which says what is fixed when it is generated (its shape), what a
// call passes, how the memory it touches is laid out, and how the code is made. Two equal shapes of one
// kernel are one function.
//
// Conventions that hold everywhere
// - Every parameter is an i32 unless it says f32: a byte address in the shared memory, or a count.
//   Buffers start at a multiple of 64 bytes (of 16 at the very least).
// - Activations are dense float32 NHWC, one image after another: `dense` = [H][W][C].
// - `padded` is one image in scratch (it stays in L2): [H+2][W+2][C] with a border of zeros that the
//   executor clears once (no kernel writes it). Kernels take either the address of the whole
//   (`padded`) or of its first inner pixel (`interior` = padded + interiorOffset(W, C)).
// - Convolution weights are [kh][kw][in][out] ("HWIO"); linear weights [classes][C] as in PyTorch.
// - Channel counts are multiples of 8, except the first convolution's 3 input channels.
// - `sums` is 2*C floats [Σ first][Σ second] that a call *adds* to: the executor clears them before
//   a block of images and takes them (into float64) after it, so results do not depend on threads.
// - "accumulates" means the destination is read and added to; everything else overwrites.

import { type FunctionBuilder, type MemoryImport, ModuleBuilder } from '../assembler/module.ts';
import type { Local } from '../assembler/value.ts';
import type { Context, KernelOptions } from './context.ts';

/** A kernel of one shape. */
export interface KernelSpec<Call = (...parameters: number[]) => void> {
  /** The kernel, such as `winogradProduct`. */
  readonly family: string;
  readonly shape: Readonly<Record<string, unknown>>;
  /** Under which it is exported; does not depend on the order of the shape's fields. */
  readonly name: string;
  /** Adds the function to the module. */
  generate(context: Context): void;
  /** The function among a module's exports. */
  from(exports: Readonly<Record<string, unknown>>): Call;
}

/** A declared kernel; called with a shape it gives that shape's spec. */
export type Kernel<Shape, Call> = (
  ...shape: unknown extends Shape ? [] : [shape: Shape]
) => KernelSpec<Call>;

/** The function under construction, and its parameters by name. */
type Declared<Addresses extends Names, Floats extends Names> = { readonly fn: FunctionBuilder } & {
  readonly [Name in Addresses[number]]: Local<'i32'>;
} & { readonly [Name in Floats[number]]: Local<'f32'> };

/** What a generator is given. */
interface GeneratorContext extends Context {
  /** The kernel's; functions that it calls extend it. */
  readonly name: string;
}

type Names = readonly string[];
type Numbers<N extends Names> = { readonly [K in keyof N]: number };

interface KernelDefinition<Addresses extends Names, Floats extends Names, Shape> {
  readonly name: string;
  /** The i32 parameters of a call, in order. */
  readonly parameters: Addresses;
  /** The f32 parameters, which follow. */
  readonly floats?: Floats;
  /**
   * Generates the code for one shape. `declare` begins the kernel's function; what is called by it is
   * begun before.
   */
  readonly generate: (
    context: GeneratorContext,
    declare: () => Declared<Addresses, Floats>,
    shape: Shape,
  ) => void;
}

/** Declares a kernel. What a call passes follows from the parameters' names. */
export function defineKernel<
  const Addresses extends Names,
  Shape,
  const Floats extends Names = readonly [],
>(
  definition: KernelDefinition<Addresses, Floats, Shape>,
): Kernel<Shape, (...parameters: [...Numbers<Addresses>, ...Numbers<Floats>]) => void> {
  const { name: family, parameters, floats = [], generate } = definition;
  return (...[given]) => {
    const shape = (given ?? {}) as Shape & Readonly<Record<string, unknown>>;
    const fields = Object.entries(shape).map(([field, value]) => `${field}=${value}`);
    const name = [family, ...fields.sort()].join(' ');
    return {
      family,
      shape,
      name,
      generate(context) {
        checkChannels(name, shape);
        const declare = () => {
          const fn = context.module.function(name);
          const locals = [
            ...parameters.map((parameter) => [parameter, fn.parameter('i32')]),
            ...floats.map((parameter) => [parameter, fn.parameter('f32')]),
          ];
          return { fn, ...Object.fromEntries(locals) } as Declared<Addresses, Floats>;
        };
        generate({ ...context, name }, declare, shape);
      },
      from(exports) {
        const kernel = exports[name];
        if (typeof kernel !== 'function') throw new Error(`no kernel ${name} in the module`);
        return kernel as () => void;
      },
    };
  };
}

/** The bytes of a module with all these kernels. It imports `env.memory`. */
export function generateModule(
  specs: Iterable<KernelSpec>,
  options: KernelOptions & { readonly memory: MemoryImport },
): Uint8Array<ArrayBuffer> {
  const module = new ModuleBuilder(options.memory);
  const context: Context = { ...options, module };
  const unique = new Map([...specs].map((spec) => [spec.name, spec]));
  for (const spec of unique.values()) spec.generate(context);
  return module.bytes();
}

/** Kernels work on eight channels at a time; only a convolution's input may have three. */
function checkChannels(name: string, shape: Readonly<Record<string, unknown>>): void {
  const { channels = 8, outputChannels = 8, inputChannels = 8 } = shape;
  const counts = [channels, outputChannels, inputChannels === 3 ? 8 : inputChannels];
  if (counts.some((count) => typeof count !== 'number' || count <= 0 || count % 8 !== 0)) {
    throw new RangeError(`channel counts must be multiples of 8: ${name}`);
  }
}
