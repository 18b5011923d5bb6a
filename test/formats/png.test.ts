// What the PNG writer writes, another decoder reads back byte for byte.

import sharp from 'sharp';
import { expect, test } from 'vitest';
import { encodePng } from '../../src/formats/png.node.ts';
import { randomStream } from '../../src/util/random.ts';

test('a picture survives the round trip through a PNG', async () => {
  const [width, height] = [37, 23];
  const random = randomStream(1, 'png');
  const pixels = Uint8Array.from({ length: width * height * 3 }, () => random.integer(256));
  const png = encodePng({ width, height, pixels });
  const { data, info } = await sharp(png).raw().toBuffer({ resolveWithObject: true });
  expect(info).toMatchObject({ width, height, channels: 3 });
  expect(new Uint8Array(data)).toEqual(pixels);
});
