// Builds an ONNX graph node by node over the generated protobuf messages: every node returns the name
// of its output, so a network reads like the formula that it is.

import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  type AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  NodeProtoSchema,
  TensorProto_DataType,
  TensorProtoSchema,
  ValueInfoProtoSchema,
} from 'onnx-buf';
import { elementCount } from '../../util/tensor.ts';

export { TensorProto_DataType as ElementType } from 'onnx-buf';

/** Extent of a dimension, or the name of one that each call may choose. */
export type Dimension = number | string;

/** An integer, a float (given as `{ float }`, since JavaScript cannot tell 1.0 from 1), a list or text. */
export type AttributeValue = number | readonly number[] | string | { readonly float: number };

function attribute(
  name: string,
  value: AttributeValue,
): MessageInitShape<typeof AttributeProtoSchema> {
  if (typeof value === 'string') {
    return { name, type: AttributeProto_AttributeType.STRING, s: new TextEncoder().encode(value) };
  }
  if (typeof value === 'number') {
    return { name, type: AttributeProto_AttributeType.INT, i: BigInt(value) };
  }
  if ('float' in value) return { name, type: AttributeProto_AttributeType.FLOAT, f: value.float };
  return { name, type: AttributeProto_AttributeType.INTS, ints: value.map(BigInt) };
}

/** An ONNX graph under construction. */
export class GraphBuilder {
  readonly #graph: GraphProto;

  constructor(name: string) {
    this.#graph = create(GraphProtoSchema, { name });
  }

  /** Declares an input and returns its name. */
  input(name: string, type: TensorProto_DataType, shape: readonly Dimension[]): string {
    this.#graph.input.push(valueInfo(name, type, shape));
    return name;
  }

  /** Declares a computed value as an output of the graph. */
  output(name: string, type: TensorProto_DataType, shape: readonly Dimension[]): void {
    this.#graph.output.push(valueInfo(name, type, shape));
  }

  /** Stores constant float values and returns their name. */
  floats(name: string, shape: readonly number[], values: Float32Array): string {
    if (values.length !== elementCount(shape)) throw new Error(`${name} does not fill its shape`);
    return this.#constant(name, TensorProto_DataType.FLOAT, shape, values);
  }

  /** Stores a constant list of integers and returns its name; the same name may be asked for again. */
  integers(name: string, values: readonly number[]): string {
    if (this.#graph.initializer.some((tensor) => tensor.name === name)) return name;
    const data = BigInt64Array.from(values, BigInt);
    return this.#constant(name, TensorProto_DataType.INT64, [values.length], data);
  }

  /**
   * Adds an operation.
   * @param name of the node and of its only output, which is returned
   */
  node(
    opType: string,
    name: string,
    inputs: readonly string[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): string {
    this.#graph.node.push(
      create(NodeProtoSchema, {
        opType,
        name,
        input: [...inputs],
        output: [name],
        attribute: Object.entries(attributes).map(([key, value]) => attribute(key, value)),
      }),
    );
    return name;
  }

  /** ONNX keeps raw values little-endian, like every machine that runs JavaScript. */
  #constant(
    name: string,
    dataType: TensorProto_DataType,
    shape: readonly number[],
    { buffer, byteOffset, byteLength }: Float32Array | BigInt64Array,
  ): string {
    const rawData = new Uint8Array(new Uint8Array(buffer, byteOffset, byteLength));
    const dims = shape.map(BigInt);
    this.#graph.initializer.push(create(TensorProtoSchema, { name, dataType, dims, rawData }));
    return name;
  }

  finish(): GraphProto {
    return this.#graph;
  }
}

function valueInfo(name: string, elemType: TensorProto_DataType, shape: readonly Dimension[]) {
  const dim = shape.map((extent) => ({
    value:
      typeof extent === 'number'
        ? ({ case: 'dimValue', value: BigInt(extent) } as const)
        : ({ case: 'dimParam', value: extent } as const),
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: 'tensorType', value: { elemType, shape: { dim } } } },
  });
}
