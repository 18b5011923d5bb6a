import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { IMAGE_BYTES } from '../../../src/data/dataset.ts';
import { IMAGENET_NORMALIZATION } from '../../../src/data/normalization.ts';
import { createReferenceBackend } from '../../../src/engine/reference/backend.ts';
import { readPyTorch } from '../../../src/interop/pytorch/read.ts';
import { writePyTorch } from '../../../src/interop/pytorch/write.ts';
import {
  fromNamedTensors,
  writeSafetensors,
} from '../../../src/interop/safetensors/safetensors.ts';
import { createNetwork } from '../../../src/nn/network.ts';
import { createInference } from '../../../src/train/executables.ts';
import { pythonWithTorch, runPython } from '../python.ts';
import { sampleNetwork, sampleWeights } from '../samples.ts';
import { tensorsIn } from '../tensors.ts';

const weights = sampleWeights(sampleNetwork);

describe('a written .pth', () => {
  it('reads back with every value, and a counter after each running variance', () => {
    const file = writePyTorch(weights, { batchesTracked: 42 });
    const { metadata, format } = readPyTorch(file);
    expect(format).toBe('zip');
    expect(metadata).toEqual({});
    const tensors = tensorsIn(file);
    for (const [name, tensor] of weights) expect(tensors.get(name), name).toEqual(tensor);
    const names = [...tensors.keys()];
    expect(names.slice(0, 7)).toEqual([
      'conv1.weight',
      'bn1.weight',
      'bn1.bias',
      'bn1.running_mean',
      'bn1.running_var',
      'bn1.num_batches_tracked',
      'layer1.0.conv1.weight',
    ]);
    expect(tensors.get('bn1.num_batches_tracked')).toEqual({
      shape: [],
      data: Float32Array.of(42),
    });
  });

  it('is wrapped as the reference trainer saves it when values stand beside the weights', () => {
    const values = { epoch: 200, best_prec1: 91.78, arch: 'resnet8', done: true, steps: 2 ** 40 };
    const file = writePyTorch(weights, { modulePrefix: true, extra: values });
    expect(readPyTorch(file).metadata).toEqual({
      ...{ epoch: '200', best_prec1: '91.78', arch: 'resnet8', done: 'true' },
      steps: String(2 ** 40),
    });
    expect(tensorsIn(file).get('state_dict.module.linear.bias')).toEqual(
      weights.get('linear.bias'),
    );
  });

  it('has the same bytes every time', () => {
    expect(writePyTorch(weights)).toEqual(writePyTorch(weights));
  });

  it('keeps counters that came with the weights', () => {
    const counted = new Map(weights).set('bn1.num_batches_tracked', {
      shape: [],
      data: Float32Array.of(7),
    });
    const tensors = tensorsIn(writePyTorch(counted, { batchesTracked: 1 }));
    expect(tensors.get('bn1.num_batches_tracked')?.data[0]).toBe(7);
    expect(tensors.get('layer1.0.bn1.num_batches_tracked')?.data[0]).toBe(1);
  });
});

const python = pythonWithTorch();

describe.skipIf(python === undefined)('PyTorch itself (skipped where it is not installed)', () => {
  const folder = mkdtempSync(join(tmpdir(), 'table6-pytorch-'));

  // The reference implementation's module tree, so that load_state_dict can be strict.
  const MODEL = `
import sys, json, torch
from torch import nn
def block(i, o, option):
    b = nn.Module()
    b.conv1, b.bn1 = nn.Conv2d(i, o, 3, bias=False), nn.BatchNorm2d(o)
    b.conv2, b.bn2 = nn.Conv2d(o, o, 3, bias=False), nn.BatchNorm2d(o)
    b.shortcut = nn.Sequential()
    if option == 'B' and i != o:
        b.shortcut = nn.Sequential(nn.Conv2d(i, o, 1, bias=False), nn.BatchNorm2d(o))
    return b
def net(n, option):
    m = nn.Module()
    m.conv1, m.bn1 = nn.Conv2d(3, 16, 3, bias=False), nn.BatchNorm2d(16)
    i = 16
    for k, o in enumerate((16, 32, 64), 1):
        blocks = []
        for _ in range(n):
            blocks.append(block(i, o, option)); i = o
        setattr(m, f'layer{k}', nn.Sequential(*blocks))
    m.linear = nn.Linear(64, 10)
    return m
`;

  it.each([
    ['A', false],
    ['B', true],
  ] as const)('opens our .pth with weights_only, strict, shortcut %s', (shortcut, modulePrefix) => {
    const tensors = sampleWeights(createNetwork('resnet8', { shortcut }));
    const path = join(folder, `${shortcut}.pth`);
    // Floating-point extras need PyTorch 2.0 to open with weights_only; the epoch opens everywhere.
    writeFileSync(path, writePyTorch(tensors, { modulePrefix, extra: { epoch: 200 } }));
    const program = `${MODEL}
checkpoint = torch.load(sys.argv[1], weights_only=True)
model = net(1, sys.argv[2])
if sys.argv[3] == 'true':
    model = nn.DataParallel(model)
model.load_state_dict(checkpoint['state_dict'], strict=True)
model = getattr(model, 'module', model)
print(json.dumps({'epoch': checkpoint['epoch'],
  'sums': {k: v.double().sum().item() for k, v in model.state_dict().items()},
  'types': sorted({str(v.dtype) for v in model.state_dict().values()})}))`;
    const answer = runPython(python as string, program, [path, shortcut, String(modulePrefix)]);
    const sums = Object.fromEntries(
      [...tensors].map(([name, { data }]) => [name, data.reduce((sum, value) => sum + value, 0)]),
    );
    const { sums: theirs, ...rest } = answer as { sums: Record<string, number> };
    expect(rest).toEqual({ epoch: 200, types: ['torch.float32', 'torch.int64'] });
    for (const [name, sum] of Object.entries(sums)) expect(theirs[name], name).toBeCloseTo(sum, 6);
    expect(theirs['layer3.0.bn2.num_batches_tracked']).toBe(0);
  });

  it.each(['A', 'B'] as const)('gives our logits from our .pth, shortcut %s', async (shortcut) => {
    const network = createNetwork('resnet14', { shortcut });
    const weights = sampleWeights(network, 0.1);
    const images = Uint8Array.from(
      { length: 3 * IMAGE_BYTES },
      (_, i) => (i * 37 + (i >> 7)) & 255,
    );
    const executable = await createInference(
      createReferenceBackend(),
      network,
      weights,
      IMAGENET_NORMALIZATION,
      3,
    );
    await executable.run({
      count: 3,
      images,
      labels: new Int32Array(3),
      augmentation: Int32Array.of(4, 4, 0, 4, 4, 0, 4, 4, 0),
    });
    const ours = await executable.read('logits');
    const path = join(folder, `logits-${shortcut}.pth`);
    writeFileSync(path, writePyTorch(weights));
    writeFileSync(join(folder, 'images.bin'), images);
    const program = `${MODEL}
import torch.nn.functional as F
model = net(2, sys.argv[2])
model.load_state_dict(torch.load(sys.argv[1], weights_only=True), strict=True)
model.eval()
pixels = torch.frombuffer(bytearray(open(sys.argv[3], 'rb').read()), dtype=torch.uint8)
x = pixels.reshape(3, 32, 32, 3).permute(0, 3, 1, 2).float() / 255
mean, std = (torch.tensor(v).reshape(1, 3, 1, 1) for v in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
x = (x - mean) / std
with torch.no_grad():
    x = F.relu(model.bn1(F.conv2d(x, model.conv1.weight, padding=1)))
    for layer in (model.layer1, model.layer2, model.layer3):
        for b in layer:
            o = b.conv1.out_channels
            stride = o // b.conv1.in_channels if b.conv1.in_channels != o else 1
            y = F.relu(b.bn1(F.conv2d(x, b.conv1.weight, stride=stride, padding=1)))
            y = b.bn2(F.conv2d(y, b.conv2.weight, padding=1))
            if stride == 1: s = x
            elif sys.argv[2] == 'A': s = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, o // 4, o // 4))
            else: s = b.shortcut[1](F.conv2d(x, b.shortcut[0].weight, stride=2))
            x = F.relu(y + s)
    logits = model.linear(x.mean((2, 3)))
print(json.dumps(logits.flatten().tolist()))`;
    const args = [path, shortcut, join(folder, 'images.bin')];
    const theirs = runPython(python as string, program, args) as number[];
    expect(Math.max(...theirs) - Math.min(...theirs)).toBeGreaterThan(0.1);
    for (const [i, value] of theirs.entries())
      expect(Math.abs(ours[i]! - value)).toBeLessThan(1e-4);
  });

  it('reads the values of our safetensors, from the format’s description alone', () => {
    const path = join(folder, 'weights.safetensors');
    writeFileSync(path, writeSafetensors(fromNamedTensors(weights), { arch: 'resnet8' }));
    const program = `
import sys, json, struct, torch
data = open(sys.argv[1], 'rb').read()
size, = struct.unpack('<Q', data[:8])
header = json.loads(data[8:8 + size])
metadata = header.pop('__metadata__')
tensors = {}
for name, entry in header.items():
    begin, end = entry['data_offsets']
    assert entry['dtype'] == 'F32'
    tensors[name] = torch.frombuffer(bytearray(data[8 + size + begin:8 + size + end]), dtype=torch.float32).reshape(entry['shape'])
print(json.dumps({'metadata': metadata, 'tensors': {k: [list(v.shape), v.flatten().tolist()] for k, v in tensors.items()}}))`;
    const { metadata, tensors } = runPython(python as string, program, [path]) as {
      metadata: unknown;
      tensors: unknown;
    };
    expect(metadata).toEqual({ arch: 'resnet8' });
    const ours = [...weights].map(([name, { shape, data }]) => [name, [shape, [...data]]]);
    expect(tensors).toEqual(Object.fromEntries(ours));
  });

  it.each([true, false])('writes files that we read the same (zip: %s)', (zip) => {
    const path = join(folder, `theirs-${zip}.pth`);
    const program = `
import sys, json, torch
base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
tensors = {'shared': base[1:3], 'transposed': base.t(), 'strided': base[:, ::2],
  'scalar': torch.tensor(7), 'empty': torch.zeros(0, 4), 'parameter': torch.nn.Parameter(base * 1.5)}
for t in ('float16', 'float64', 'bfloat16', 'int64', 'int32', 'int16', 'int8', 'uint8', 'bool'):
    tensors[t] = torch.tensor([0, 1, 2, 3, 5], dtype=torch.float64).to(getattr(torch, t))
bn = torch.nn.BatchNorm2d(3)
tensors.update(bn.state_dict(prefix='bn.'))
optimizer = torch.optim.SGD(bn.parameters(), 0.1, momentum=0.9)
torch.save({'state_dict': tensors, 'epoch': 3, 'best_prec1': 91.5, 'optimizer': optimizer.state_dict()},
  sys.argv[1], _use_new_zipfile_serialization=sys.argv[2] == 'true')
print(json.dumps({k: [list(v.shape), v.detach().double().flatten().tolist()] for k, v in tensors.items()}))`;
    const expected = runPython(python as string, program, [path, String(zip)]);
    const { metadata, format } = readPyTorch(readFileSync(path));
    expect(format).toBe(zip ? 'zip' : 'legacy');
    expect(metadata).toEqual({ epoch: '3', best_prec1: '91.5' });
    const ours = [...tensorsIn(readFileSync(path))]
      .filter(([name]) => name.startsWith('state_dict.'))
      .map(([name, { shape, data }]) => [name.slice('state_dict.'.length), [shape, [...data]]]);
    expect(Object.fromEntries(ours)).toEqual(expected);
  });

  it('models saved whole give the tensors of their state_dict', () => {
    const path = join(folder, 'model.pth');
    const program = `
import sys, torch
torch.save(torch.nn.Sequential(torch.nn.BatchNorm2d(3), torch.nn.ReLU()), sys.argv[1])
print('null')`;
    runPython(python as string, program, [path]);
    expect([...tensorsIn(readFileSync(path)).keys()]).toEqual(
      ['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'].map(
        (name) => `0.${name}`,
      ),
    );
  });
});
