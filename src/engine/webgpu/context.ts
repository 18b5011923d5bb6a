// What the operations share while a program becomes kernels: where partial sums are left for the
// operation that combines them, how activations are stored, and which tiles to use.

import { describeOperation, type OperationFacts } from '../operations/index.ts';
import {
  type BufferId,
  type ConvolutionGeometry,
  type NormId,
  namedBuffer,
  type Operation,
  type Program,
  type ProgramBuffers,
} from '../program.ts';
import {
  type CodeOptions,
  type Kernel,
  KernelBuilder,
  type KernelParts,
  type Resource,
} from './kernel.ts';
import type { Direction, GradientTile, ProductShape, ProductTile } from './tiles.ts';

/** Partial results of one sum over the batch, `rows` vectors of `channels` floats each. */
export interface Partials {
  readonly resource: Resource & { readonly kind: 'scratch' };
  readonly partsPerImage: number;
  readonly rows: number;
}

/** Partial moments: each part has a mean and a sum of squared deviations of so many values. */
export interface MomentPartials extends Partials {
  readonly valuesPerPart: number;
}

/** Partial sums of dz (row 0) and of dz·(y − mean) (row `productRow`). */
export interface GradientPartials extends Partials {
  readonly productRow: number;
}

export interface TileChoice {
  product(shape: ProductShape, direction: Direction): ProductTile;
  gradient(conv: ConvolutionGeometry): GradientTile;
}

export class CompileContext {
  readonly program: Program;
  readonly tiles: TileChoice;
  readonly kernels: Kernel[] = [];
  /** Sizes of the scratch buffers, in floats. */
  readonly scratchElements: number[] = [];
  readonly moments = new Map<NormId, MomentPartials>();
  readonly gradientSums = new Map<NormId, GradientPartials>();
  private readonly options: CodeOptions;
  private current: OperationFacts = { name: '', multiplyAdds: 0 };

  constructor(program: Program, tiles: TileChoice, options: CodeOptions) {
    this.program = program;
    this.tiles = tiles;
    this.options = options;
  }

  /** The kernels that are added from now on belong to this operation. */
  begin(operation: Operation): void {
    this.current = describeOperation(operation, this.program.norms);
  }

  builder(): KernelBuilder {
    return new KernelBuilder(this.options);
  }

  /**
   * Adds a kernel of the operation, under its name.
   * @param parts `part` says what of the operation it computes, where there are several kernels; such
   *   a kernel has its own multiply-adds, and one that is alone has those of the operation
   */
  add(builder: KernelBuilder, parts: Omit<KernelParts, 'label'> & { readonly part?: string }) {
    const { part, multiplyAddsPerImage, ...rest } = parts;
    const { name, multiplyAdds } = this.current;
    const own = part === undefined ? multiplyAdds : multiplyAddsPerImage;
    const label = part === undefined ? name : `${name} ${part}`;
    this.kernels.push(builder.build({ ...rest, label, multiplyAddsPerImage: own }));
  }

  /** Room for partial results, from the first kernel that uses it to the last. */
  scratch(elements: number): Resource & { readonly kind: 'scratch' } {
    return { kind: 'scratch', id: this.scratchElements.push(elements) - 1 };
  }

  /** A flat buffer by its meaning. */
  flat(name: keyof ProgramBuffers): BufferId {
    return namedBuffer(this.program, name);
  }
}
