// Table 6 of "Deep Residual Learning for Image Recognition" (He, Zhang, Ren, Sun; CVPR 2016), and
// what others measured with the same networks. Errors are per cent on the 10,000 test images of
// the original CIFAR-10; they say nothing about any other data.

export interface Table6Row {
  readonly arch: string;
  /** Residual blocks in each of the three stages; the network has 6n + 2 weighted layers. */
  readonly n: number;
  readonly layers: number;
  readonly parameters: number;
  /** The paper's test error, per cent. For ResNet-110 the best of five runs. */
  readonly paperError: number;
  /** Mean and deviation where the paper gives them. */
  readonly paperMean?: { readonly mean: number; readonly deviation: number; readonly runs: number };
  /** The notebook's test error, the lowest of 200 evaluations; absent where it has a "?". */
  readonly notebookError?: number;
  /** Test error of the published PyTorch weights with the same parameter names. */
  readonly publishedError: number;
  /** Millions of multiply-adds in the forward pass of one image. */
  readonly megaMultiplyAdds: number;
}

export const TABLE6: readonly Table6Row[] = [
  {
    arch: 'resnet20',
    n: 3,
    layers: 20,
    parameters: 269_722,
    paperError: 8.75,
    notebookError: 7.92,
    publishedError: 8.27,
    megaMultiplyAdds: 40.6,
  },
  {
    arch: 'resnet32',
    n: 5,
    layers: 32,
    parameters: 464_154,
    paperError: 7.51,
    notebookError: 7.27,
    publishedError: 7.37,
    megaMultiplyAdds: 68.9,
  },
  {
    arch: 'resnet44',
    n: 7,
    layers: 44,
    parameters: 658_586,
    paperError: 7.17,
    notebookError: 6.88,
    publishedError: 6.9,
    megaMultiplyAdds: 97.2,
  },
  {
    arch: 'resnet56',
    n: 9,
    layers: 56,
    parameters: 853_018,
    paperError: 6.97,
    notebookError: 7.58,
    publishedError: 6.61,
    megaMultiplyAdds: 125.5,
  },
  {
    arch: 'resnet110',
    n: 18,
    layers: 110,
    parameters: 1_727_962,
    paperError: 6.43,
    paperMean: { mean: 6.61, deviation: 0.16, runs: 5 },
    notebookError: 9.04,
    publishedError: 6.32,
    megaMultiplyAdds: 252.9,
  },
  {
    arch: 'resnet1202',
    n: 200,
    layers: 1202,
    parameters: 19_421_274,
    paperError: 7.93,
    publishedError: 6.18,
    megaMultiplyAdds: 2829,
  },
];

/** The row of a network, or undefined where the table has none (`resnet38`, `plain20`). */
export function table6Row(arch: string): Table6Row | undefined {
  return TABLE6.find((row) => row.arch === arch);
}
