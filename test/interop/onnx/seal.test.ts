import { describe, expect, test } from 'vitest';
import { checkOnnxSeal, looksLikeOnnx } from '../../../src/interop/onnx/seal.ts';
import {
  fromNamedTensors,
  writeSafetensors,
} from '../../../src/interop/safetensors/safetensors.ts';
import { createNetwork } from '../../../src/nn/network.ts';
import { exportFile, exportModel } from '../../../src/runs/export.ts';
import { readModel } from '../../../src/runs/model.ts';
import { sampleWeights } from '../samples.ts';

const weights = fromNamedTensors(sampleWeights(createNetwork('resnet8')));
const model = readModel(writeSafetensors(weights), 'x');

describe('a checksum in an ONNX file', async () => {
  const { bytes } = await exportFile(model, 'onnx');

  test('is right in the file as it was written', async () => {
    expect(looksLikeOnnx(bytes)).toBe(true);
    expect(await checkOnnxSeal(bytes)).toBe('whole');
  });

  test.each([0, 5000, -1, -40, -80, -92, -100, -130])(
    'finds a flipped bit in byte %i',
    async (at) => {
      const flipped = bytes.slice();
      flipped[at < 0 ? flipped.length + at : at]! ^= 4;
      expect(await checkOnnxSeal(flipped)).toBe('damaged');
    },
  );

  test('is absent from models that were not written to a file', async () => {
    expect(await checkOnnxSeal(exportModel(model, 'onnx').bytes)).toBe('none');
    expect(await checkOnnxSeal(Uint8Array.of(8, 1))).toBe('none');
  });
});
