import { describe, expect, test } from 'vitest';
import { rawTensor } from '../../../src/formats/dtypes.ts';
import { readSafetensors, writeSafetensors } from '../../../src/interop/safetensors/safetensors.ts';
import {
  checkSeal,
  refuseDamaged,
  sealSafetensors,
} from '../../../src/interop/safetensors/seal.ts';
import { UserError } from '../../../src/util/errors.ts';

const tensors = new Map([['weight', rawTensor('F32', [3], Float32Array.of(1, 2, 3))]]);
const plain = writeSafetensors(tensors, { arch: 'resnet8' });

describe('a checksum in a safetensors file', () => {
  test('is right in the file as it was written, whose content is the same', async () => {
    const sealed = await sealSafetensors(plain);
    expect(await checkSeal(sealed)).toBe('whole');
    await refuseDamaged(sealed, 'x');
    const { tensors: read, metadata } = readSafetensors(sealed);
    expect(read).toEqual(readSafetensors(plain).tensors);
    expect(metadata).toMatchObject({ arch: 'resnet8' });
  });

  test('finds any bit that flipped, wherever it is', async () => {
    const sealed = await sealSafetensors(plain);
    const survivors: number[] = [];
    for (let bit = 0; bit < 8 * sealed.length; bit++) {
      const flipped = sealed.slice();
      flipped[bit >> 3]! ^= 1 << (bit & 7);
      if ((await checkSeal(flipped)) === 'damaged') continue;
      // What is no longer found in the header is no longer read either.
      expect(() => readSafetensors(flipped), `bit ${bit}`).toThrow(UserError);
      survivors.push(bit >> 3);
    }
    expect(survivors.every((byte) => byte < 8)).toBe(true);
  });

  test('is absent from files of others, of which nothing can be said', async () => {
    expect(await checkSeal(plain)).toBe('none');
    expect(await checkSeal(Uint8Array.of(1, 2))).toBe('none');
  });

  test('is made anew when a file has one already, and gives the same bytes every time', async () => {
    const sealed = await sealSafetensors(plain);
    expect(await sealSafetensors(sealed)).toEqual(sealed);
  });

  test('is not looked for in the texts of a file', async () => {
    const text = { note: '"table6_checksum":"sha256:', table6: '"table6_sealed":' };
    expect(await checkSeal(writeSafetensors(tensors, text))).toBe('none');
    expect(await checkSeal(await sealSafetensors(writeSafetensors(tensors, text)))).toBe('whole');
  });
});
