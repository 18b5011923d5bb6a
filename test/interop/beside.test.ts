// What stands around the weights in a file: prefixes, dictionaries, objects of other programs, whole models. The
// network is found among it, nothing is run, and where two networks are complete somebody has to say which.

import { describe, expect, test } from 'vitest';
import { readWeights } from '../../src/interop/weights.ts';
import { createNetwork } from '../../src/nn/network.ts';
import type { NamedTensors } from '../../src/util/tensor.ts';
import { sampleWeights } from './samples.ts';
import { TorchFile } from './torch-file.ts';

const network = createNetwork('resnet8');
const weights = sampleWeights(network);
const others: NamedTensors = new Map(
  [...weights].map(([name, { shape, data }]) => [name, { shape, data: data.map((x) => x / 2) }]),
);
const read = (file: TorchFile, key?: string) => readWeights(file.bytes(), 'x.pth', { key });
const value = (...values: number[]) => ({
  shape: [values.length],
  data: Float32Array.from(values),
});

describe('prefixes and dictionaries', () => {
  test.each([
    '',
    'module.',
    '_orig_mod.',
    'module._orig_mod.',
    'model.',
    'net.',
    'backbone.',
    'a.b.c.',
  ])('the prefix "%s"', (prefix) => {
    const found = read(new TorchFile().stateDict(weights, prefix));
    expect(found.network).toEqual(network);
    expect(found.tensors).toEqual(weights);
    expect(found.renamed).toBe(false);
  });

  test.each(['ema', 'model_state', 'params', 'state_dict', 'weights'])('the key %s', (key) => {
    const file = new TorchFile();
    file.dict({
      epoch: () => file.pickle.number(3),
      [key]: () => file.stateDict(weights, 'module.'),
    });
    expect(read(file)).toMatchObject({
      tensors: weights,
      metadata: { epoch: '3' },
      renamed: false,
    });
  });

  test('a dictionary in a dictionary, and the state of an optimiser beside it', () => {
    const file = new TorchFile();
    file.dict({
      checkpoint: () => file.dict({ network: () => file.stateDict(weights) }),
      optimizer: () =>
        file.dict({ state: () => file.dict({ a: () => file.stateDict(others, 'buffer.') }) }),
    });
    expect(() => read(file)).toThrow('holds 2 networks');
    expect(read(file, 'checkpoint').tensors).toEqual(weights);
  });
});

describe('two networks', () => {
  const both = (first: string, second: string) => {
    const file = new TorchFile();
    return file.dict({
      [first]: () => file.stateDict(others),
      [second]: () => file.stateDict(weights),
    });
  };

  test('in one dictionary: which one has to be said', () => {
    const tensors = new Map([
      ...[...weights].map(([name, tensor]) => [`student.${name}`, tensor] as const),
      ...[...others].map(([name, tensor]) => [`teacher.${name}`, tensor] as const),
    ]);
    const file = () => new TorchFile().stateDict(tensors);
    expect(() => read(file())).toThrow(
      'x.pth holds 2 networks, student and teacher: say which one is meant.',
    );
    expect(read(file(), 'student').tensors).toEqual(weights);
    expect(read(file(), 'teacher.').tensors).toEqual(others);
    expect(() => read(file(), 'ema')).toThrow('has no network at "ema": there are some at student');
  });

  test('under the usual key and another: the usual one is taken, and it is said', () => {
    const { tensors, notices } = read(both('model', 'ema'));
    expect(tensors).toEqual(others);
    expect(notices).toEqual([
      {
        about: 'key',
        text: 'The file holds 2 networks: model is taken, and not ema.',
        choices: ['model', 'ema'],
      },
    ]);
    expect(read(both('model', 'ema'), 'ema')).toMatchObject({ tensors: weights, notices: [] });
  });

  test('under two keys of which none or both are usual: say which', () => {
    expect(() => read(both('params', 'params_ema'))).toThrow('params and params_ema');
    expect(() => read(both('model', 'net'))).toThrow('model and net');
  });
});

describe('things beside the weights', () => {
  const beside = (write: (file: TorchFile) => unknown) => {
    const file = new TorchFile();
    return file.dict({ state_dict: () => file.stateDict(weights), thing: () => write(file) });
  };

  test.each<[string, (file: TorchFile) => unknown]>([
    [
      'argparse.Namespace',
      (f) => f.object('argparse', 'Namespace', { lr: () => f.pickle.number(1) }),
    ],
    ['a Counter', (f) => f.call('collections', 'Counter', (p) => p.emptyDict())],
    ['a device', (f) => f.call('torch', 'device', (p) => p.string('cuda'))],
    ['a dtype', (f) => f.pickle.global('torch', 'float32')],
    ['a set', (f) => f.call('builtins', 'set', (p) => p.raw(0x5d))],
    ['a date', (f) => f.call('datetime', 'datetime', (p) => p.string('x'))],
    ['a path', (f) => f.call('pathlib', 'PosixPath', (p) => p.string('runs'))],
    [
      'a defaultdict',
      (f) => f.call('collections', 'defaultdict', (p) => p.global('builtins', 'list')),
    ],
    ['a scheduler', (f) => f.object('torch.optim.lr_scheduler', 'StepLR', {})],
    ['a class of the program', (f) => f.object('__main__', 'Config', {})],
    ['a numpy random state', (f) => f.call('numpy.random._pickle', '__randomstate_ctor', () => {})],
  ])('%s is left alone', (_, write) => {
    expect(read(beside(write))).toMatchObject({ tensors: weights, notices: [] });
  });

  test.each(['numpy.core', 'numpy._core'])('numbers of numpy are read (%s)', (core) => {
    expect(read(beside((file) => file.numpyScalar(41.25, core))).metadata).toEqual({
      thing: '41.25',
    });
  });

  test('useful numbers one dictionary further down are kept, those of the optimiser not', () => {
    const file = new TorchFile();
    file.dict({
      state_dict: () => file.stateDict(weights),
      metrics: () => file.dict({ accuracy: () => file.pickle.number(92.5) }),
      optimizer: () => file.dict({ lr: () => file.pickle.number(0.1) }),
      best_prec1: () => file.tensor(value(91)),
    });
    expect(read(file).metadata).toEqual({ 'metrics.accuracy': '92.5', best_prec1: '91' });
  });

  test.each([
    ['os', 'system'],
    ['builtins', 'exec'],
    ['subprocess', 'Popen'],
    ['importlib', 'import_module'],
    ['runpy', 'run_path'],
  ])('%s.%s refuses the file wherever it stands', (module, name) => {
    const file = beside((f) => f.call(module, name, (p) => p.string('touch EXECUTED')));
    expect(() => read(file)).toThrow(`asks for ${module}.${name}, which is not allowed`);
  });

  test('a call where a tensor must stand is refused by both names', () => {
    const file = new TorchFile();
    file.dict({
      ...Object.fromEntries([...weights].map(([name, t]) => [name, () => file.tensor(t)])),
      'conv1.weight': () => file.call('mine', 'make_tensor', (p) => p.number(1)),
    });
    expect(() => read(file)).toThrow(
      'x.pth: in the place of the tensor "conv1.weight" the file asks for mine.make_tensor',
    );
  });
});

describe('other tensors in the same dictionary', () => {
  const plus = (more: NamedTensors) => new TorchFile().stateDict(new Map([...lightning, ...more]));
  const lightning: NamedTensors = new Map([...weights].map(([n, t]) => [`model.${n}`, t]));

  test('metrics and the weights of a loss are not used, and named', () => {
    const more = new Map([
      ['val_accuracy.total', value(3)],
      ['criterion.weight', value(1, 1)],
    ]);
    expect(read(plus(more))).toMatchObject({
      tensors: weights,
      notices: [{ text: 'Not used, beside the network: val_accuracy.total, criterion.weight.' }],
    });
  });

  test('a trained tensor is refused, unless it is said where the network is', () => {
    const head = new Map([['projector.weight', { shape: [2, 2], data: new Float32Array(4) }]]);
    expect(() => read(plus(head))).toThrow('it has the tensor "projector.weight"');
    expect(read(plus(head), 'model').tensors).toEqual(weights);
  });

  test('a mean and a deviation are the normalisation', () => {
    const of = (mean: number, std: number) =>
      new Map([
        ['normalize.mean', { shape: [1, 3, 1, 1], data: new Float32Array(3).fill(mean) }],
        ['normalize.std', { shape: [1, 3, 1, 1], data: new Float32Array(3).fill(std) }],
      ]);
    const half = { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] };
    expect(read(plus(of(0.5, 0.25))).normalization).toEqual(half);
    expect(read(plus(of(127.5, 63.75))).normalization).toEqual(half);
  });
});

describe('a model that was saved whole', () => {
  test('its tensors are read out of its parts', () => {
    expect(read(new TorchFile().module(weights))).toMatchObject({ network, tensors: weights });
  });

  test('in a dictionary, and inside of DataParallel', () => {
    const file = new TorchFile();
    const wrapped = new Map([...weights].map(([name, tensor]) => [`module.${name}`, tensor]));
    file.dict({ epoch: () => file.pickle.number(1), model: () => file.module(wrapped) });
    expect(read(file)).toMatchObject({ tensors: weights, metadata: { epoch: '1' } });
  });

  test('one of another program is named', () => {
    const file = new TorchFile().object('mine', 'Model', {});
    expect(() => read(file)).toThrow('the file asks for mine.Model, which is not allowed');
  });
});
