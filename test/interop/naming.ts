// The tensors of a CIFAR ResNet under the names of other programs, and networks that are nearly one. Only
// shapes matter to them, so they have no values.

import { createNetwork, type Network, type ShortcutOption } from '../../src/nn/network.ts';
import { parameterSpecs, runningStatisticSpecs } from '../../src/nn/parameters.ts';
import type { NamedTensors, Tensor } from '../../src/util/tensor.ts';

/** Another name for one of ours. */
export type Naming = (name: string) => string;

const replaced =
  (...pairs: readonly (readonly [RegExp, string])[]): Naming =>
  (name) =>
    pairs.reduce((text, [from, to]) => text.replace(from, to), name);

/** How programs call the layers; each is that of a public implementation, or like several. */
export const NAMINGS: Readonly<Record<string, Naming>> = {
  'the reference implementation': (name) => name,
  'fc and downsample': replaced([/^linear/, 'fc'], [/shortcut/, 'downsample']),
  classifier: replaced([/^linear/, 'classifier']),
  'shortcut.conv and shortcut.bn': replaced(
    [/shortcut\.0/, 'shortcut.conv'],
    [/shortcut\.1/, 'shortcut.bn'],
  ),
  'first_layer.conv': replaced(
    [/^conv1/, 'first_layer.conv'],
    [/^bn1/, 'first_layer.bn'],
    [/^layer(\d)/, 'stage_$1'],
  ),
  'stages by their width': replaced(
    [/^layer1/, 'layers_2n'],
    [/^layer2/, 'layers_4n'],
    [/^layer3/, 'layers_6n'],
  ),
  'a sequence in a block': replaced(
    [/\.conv1/, '.left.0'],
    [/\.bn1/, '.left.1'],
    [/\.conv2/, '.left.3'],
    [/\.bn2/, '.left.4'],
  ),
  'conv blocks in a block': replaced(
    [/(layer.*)\.conv(\d)/, '$1.convs.$2.0'],
    [/(layer.*)\.bn(\d)/, '$1.convs.$2.1'],
  ),
  'lists of convolutions and norms': replaced(
    [/(layer.*)\.conv(\d)/, '$1.convs.$2'],
    [/(layer.*)\.bn(\d)/, '$1.norms.$2'],
  ),
  letters: replaced(
    [/(layer.*)\.conv1/, '$1.conv_a'],
    [/(layer.*)\.bn1/, '$1.bn_a'],
    [/(layer.*)\.conv2/, '$1.conv_b'],
    [/(layer.*)\.bn2/, '$1.bn_b'],
    [/shortcut\.0/, 'conv_sc'],
    [/shortcut\.1/, 'bn_sc'],
  ),
  'numbers only': replaced(
    [/^conv1/, '0.0'],
    [/^bn1/, '0.1'],
    [/^layer(\d)/, '$1'],
    [/^linear/, '5'],
    [/conv1/, '0'],
    [/bn1/, '1'],
    [/conv2/, '2'],
    [/bn2/, '3'],
  ),
  'underscores instead of dots': replaced(
    [/^layer(\d)\.(\d+)\.shortcut\.0/, 'layer$1_$2_conv3'],
    [/^layer(\d)\.(\d+)\.shortcut\.1/, 'layer$1_$2_bn3'],
    [/^layer(\d)\.(\d+)\./, 'layer$1_$2_'],
  ),
  'a list of blocks': replaced([/^layer(\d)\.(\d+)/, 'stages.$1.blocks.$2'], [/conv1$/, 'conv1']),
  'camel case': replaced(
    [/^layer(\d)\.(\d+)\./, 'stage$1.block$2.'],
    [/shortcut\.0/, 'convShortcut'],
    [/shortcut\.1/, 'bnShortcut'],
  ),
  'numbers without blocks': (name) =>
    name
      .replace(/^layer(\d)\.(\d)\.(conv|bn)(\d)/, (_, stage, block, kind, place) => {
        const number = 4 * (Number(stage) - 1) + 2 * Number(block) + Number(place) + 1;
        return `${kind}${number}`;
      })
      .replace(/^layer(\d)\.0\.shortcut\.0/, 'proj$1_conv')
      .replace(/^layer(\d)\.0\.shortcut\.1/, 'proj$1_bn'),
  'gamma and beta': replaced(
    [/bn(\d)\.weight/, 'bn$1.gamma'],
    [/bn(\d)\.bias/, 'bn$1.beta'],
    [/running_mean/, 'moving_mean'],
    [/running_var/, 'moving_variance'],
  ),
};

/** The tensors of a network under other names, in the order of its state_dict. */
export function renamedWeights(
  naming: Naming,
  { arch = 'resnet14', shortcut = 'A' as ShortcutOption, classes = 10 } = {},
): NamedTensors {
  const network = createNetwork(arch, { shortcut, classes });
  return new Map([...shapesOf(network)].map(([name, shape]) => [naming(name), tensor(...shape)]));
}

/** Sorted by name, as safetensors files of other programs are. */
export function sorted(tensors: NamedTensors): NamedTensors {
  return new Map([...tensors].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Without values. */
const tensor = (...shape: number[]): Tensor => ({ shape, data: new Float32Array(0) });

type Shapes = Map<string, number[]>;

/** In the order of the state_dict. */
function shapesOf(network: Network): Shapes {
  const statistics = new Map(runningStatisticSpecs(network).map((spec) => [spec.name, spec]));
  const specs = parameterSpecs(network).flatMap((spec) => {
    const of = (leaf: string) => statistics.get(spec.name.replace(/bias$/, leaf));
    const behind = spec.kind === 'norm-bias' ? [of('running_mean'), of('running_var')] : [];
    return [spec, ...behind.filter((found) => found !== undefined)];
  });
  return new Map(specs.map(({ name, shape }) => [name, [...shape]]));
}

/** Changes to the shapes of a network of ours, under its own names, that make another of it. */
export const NEAR_MISSES: Readonly<Record<string, (shapes: Shapes) => void>> = {
  'a bias of the first convolution': (s) => s.set('conv1.bias', [16]),
  'a bias of a convolution': (s) => s.set('layer2.1.conv2.bias', [32]),
  'a bias of a projection': (s) => s.set('layer2.0.shortcut.0.bias', [32]),
  'a first convolution of 5×5': (s) => s.set('conv1.weight', [16, 3, 5, 5]),
  'a first convolution of 7×7': (s) => s.set('conv1.weight', [16, 3, 7, 7]),
  'an image of one channel': (s) => s.set('conv1.weight', [16, 1, 3, 3]),
  'twice the width': (s) => {
    for (const [name, shape] of s) {
      s.set(
        name,
        shape.map((n, i) => ((n === 3 && i > 0) || n === 10 || n === 1 ? n : 2 * n)),
      );
    }
  },
  'a convolution of 1×1': (s) => s.set('layer1.0.conv2.weight', [16, 16, 1, 1]),
  'a convolution of 5×5': (s) => s.set('layer3.1.conv1.weight', [64, 64, 5, 5]),
  'a convolution by channel': (s) => s.set('layer1.1.conv1.weight', [16, 1, 3, 3]),
  'a convolution of two groups': (s) => s.set('layer2.1.conv1.weight', [32, 16, 3, 3]),
  'a projection of 3×3': (s) => s.set('layer2.0.shortcut.0.weight', [32, 16, 3, 3]),
  'one projection only': (s) => {
    for (const name of [...s.keys()]) if (name.startsWith('layer3.0.shortcut')) s.delete(name);
  },
  'a projection in the first stage': (s) => {
    s.set('layer1.0.shortcut.0.weight', [16, 16, 1, 1]);
    addNorm(s, 'layer1.0.shortcut.1', 16);
  },
  'a projection without a norm': (s) => removeNorm(s, 'layer2.0.shortcut.1'),
  'a scale in every block': (s) => s.set('layer1.0.alpha', [1]),
  'a scale of the answers': (s) => s.set('temperature', [1]),
  'a third norm in a block': (s) => addNorm(s, 'layer1.1.bn3', 16),
  'a third convolution in a block': (s) => {
    s.set('layer1.1.conv3.weight', [16, 16, 3, 3]);
    addNorm(s, 'layer1.1.bn3', 16);
  },
  'squeeze and excitation': (s) => {
    s.set('layer1.0.se.fc1.weight', [4, 16]);
    s.set('layer1.0.se.fc1.bias', [4]);
  },
  'squeeze and excitation of 1×1': (s) => {
    s.set('layer1.0.se.conv1.weight', [4, 16, 1, 1]);
    s.set('layer1.0.se.conv2.weight', [16, 4, 1, 1]);
  },
  'a second classifier': (s) => {
    s.set('auxiliary.weight', [10, 64]);
    s.set('auxiliary.bias', [10]);
  },
  'a classifier of 128 values': (s) => s.set('linear.weight', [10, 128]),
  'a classifier without a bias': (s) => s.delete('linear.bias'),
  'no classifier': (s) => {
    s.delete('linear.weight');
    s.delete('linear.bias');
  },
  'a hidden layer': (s) => {
    s.set('hidden.weight', [64, 64]);
    s.set('hidden.bias', [64]);
  },
  'a norm without statistics': (s) => {
    s.delete('layer2.0.bn1.running_mean');
    s.delete('layer2.0.bn1.running_var');
  },
  'a norm without a scale': (s) => {
    s.delete('layer2.0.bn1.weight');
    s.delete('layer2.0.bn1.bias');
  },
  'a norm without its variance': (s) => s.delete('layer3.1.bn2.running_var'),
  'a norm of another width': (s) => addNorm(s, 'layer2.1.bn1', 16),
  'no norm behind the first convolution': (s) => removeNorm(s, 'bn1'),
  'a norm before the classifier': (s) => addNorm(s, 'bn2', 64),
  'no first convolution': (s) => s.delete('conv1.weight'),
  'a missing convolution': (s) => s.delete('layer2.1.conv1.weight'),
  'a missing block': (s) => {
    for (const name of [...s.keys()]) if (name.startsWith('layer3.1.')) s.delete(name);
  },
  'a fourth stage': (s) => {
    s.set('layer4.0.conv1.weight', [128, 64, 3, 3]);
    addNorm(s, 'layer4.0.bn1', 128);
  },
  'a network that normalises first': (s) => {
    removeNorm(s, 'bn1');
    for (const stage of [2, 3]) addNorm(s, `layer${stage}.0.bn1`, stage === 2 ? 16 : 32);
    addNorm(s, 'bn', 64);
  },
  'one that normalises first, with a norm of the first convolution': (s) => {
    for (const stage of [2, 3]) addNorm(s, `layer${stage}.0.bn1`, stage === 2 ? 16 : 32);
  },
  bottlenecks: (s) => {
    s.set('layer1.0.conv1.weight', [16, 16, 1, 1]);
    s.set('layer1.0.conv3.weight', [64, 16, 1, 1]);
    addNorm(s, 'layer1.0.bn3', 64);
  },
  'narrower stages': (s) => {
    for (const [name, shape] of s)
      if (name.startsWith('layer3'))
        s.set(
          name,
          shape.map((n) => (n === 64 ? 48 : n)),
        );
  },
};

const NORM = ['weight', 'bias', 'running_mean', 'running_var'];

function addNorm(shapes: Shapes, name: string, channels: number): void {
  for (const leaf of NORM) shapes.set(`${name}.${leaf}`, [channels]);
}

function removeNorm(shapes: Shapes, name: string): void {
  for (const leaf of NORM) shapes.delete(`${name}.${leaf}`);
}

/** The tensors of a network that is nearly one of ours, under other names. */
export function nearMiss(change: (shapes: Shapes) => void, naming: Naming, shortcut: 'A' | 'B') {
  const shapes = shapesOf(createNetwork('resnet14', { shortcut }));
  change(shapes);
  return new Map([...shapes].map(([name, shape]) => [naming(name), tensor(...shape)]));
}
