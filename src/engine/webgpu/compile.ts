// From a program to kernels: the list of operations, each turned to WGSL by its own file, in order.

import { carryOut, float32BuffersOf, type OperationTable } from '../operations/index.ts';
import type { BufferId, Operation, Program } from '../program.ts';
import { defaultTiles, tileCandidates } from './candidates.ts';
import { CompileContext, type TileChoice } from './context.ts';
import type { Kernel } from './kernel.ts';
import * as operations from './operations/index.ts';
import type { StorageFormat } from './storage.ts';

/** A program as kernels, before anything was given to a device. */
export interface CompiledProgram {
  readonly setup: readonly Kernel[];
  readonly body: readonly Kernel[];
  /** Floats of each scratch buffer. */
  readonly scratchElements: readonly number[];
  /** How a buffer's elements are stored. */
  readonly formatOf: (id: BufferId) => StorageFormat;
  /** Half-precision training, with loss scaling. */
  readonly isScaled: boolean;
}

/** Tiles for any device. */
export const DEFAULT_TILES: TileChoice = defaultTiles(tileCandidates());

export interface CompileOptions {
  readonly tiles?: TileChoice;
  /** How feature maps are stored; parameters, sums and the classifier are always float32. */
  readonly format?: StorageFormat;
  /** For software adapters, see `KernelBuilder.bound`. */
  readonly hideBounds?: boolean;
}

const TABLE = operations satisfies OperationTable<CompileContext>;

/** Generates the kernels of a program. */
export function compileKernels(program: Program, options: CompileOptions = {}): CompiledProgram {
  const { tiles = DEFAULT_TILES, format = 'f32', hideBounds = false } = options;
  const isScaled = format !== 'f32' && program.mode === 'train';
  const formatOf = formats(program, format);
  const context = new CompileContext(program, tiles, { formatOf, hideBounds, isScaled });
  for (const operation of program.setup) compileOperation(context, operation);
  const setup = context.kernels.splice(0);
  for (const operation of program.body) compileOperation(context, operation);
  const { kernels: body, scratchElements } = context;
  return { setup, body, scratchElements, formatOf, isScaled };
}

function compileOperation(context: CompileContext, operation: Operation): void {
  context.begin(operation);
  carryOut(TABLE, context, operation);
}

/** Feature maps may be stored in half precision; what the classifier works on stays float32. */
function formats(program: Program, format: StorageFormat): (id: BufferId) => StorageFormat {
  const exact = new Set(program.body.flatMap(float32BuffersOf));
  return (id) => (program.buffers[id]!.role === 'activation' && !exact.has(id) ? format : 'f32');
}
