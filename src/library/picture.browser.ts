// Pictures in a browser, on a page or in a worker: decoded by the browser, brought to the network's size
// by pixels.ts.

import { isRawImage, type RawImage, toNetworkInput } from '../data/pixels.ts';
import { UserError } from '../util/errors.ts';

/** What a canvas can draw: <img>, <canvas>, ImageBitmap, VideoFrame ... */
export interface DrawablePicture {
  readonly width: number;
  readonly height: number;
}

/** An encoded image (a file that was chosen or dropped), pixels, or what a canvas can draw. */
export type BrowserPicture = Blob | RawImage | DrawablePicture;

/** The parts of the DOM that are used; the library's types must not ask for the whole of it. */
interface Canvas {
  getContext(kind: '2d'): {
    fillStyle: string;
    fillRect(x: number, y: number, width: number, height: number): void;
    drawImage(image: object, x: number, y: number): void;
    getImageData(x: number, y: number, width: number, height: number): RawImage;
  } | null;
}
interface Dom {
  createImageBitmap(blob: Blob): Promise<DrawablePicture & { close(): void }>;
  readonly OffscreenCanvas: new (width: number, height: number) => Canvas;
}
const dom = globalThis as unknown as Dom;

/**
 * A picture as the network takes it: upright by its EXIF orientation, transparency on white.
 * @returns 32 × 32 × 3 bytes
 * @throws UserError where it is no image that this browser can read
 */
export async function readPicture(picture: BrowserPicture): Promise<Uint8Array> {
  if (isRawImage(picture)) return toNetworkInput(picture);
  if (!(picture instanceof Blob)) return toNetworkInput(drawn(picture));
  const bitmap = await dom.createImageBitmap(picture).catch((error: unknown) => {
    throw new UserError('The picture cannot be read as an image.', { cause: error });
  });
  const image = drawn(bitmap);
  bitmap.close();
  return toNetworkInput(image);
}

/** All of its pixels; an <img> has those of the file, not those of its place on the page. */
function drawn(picture: DrawablePicture): RawImage {
  const { naturalWidth, naturalHeight } = picture as {
    readonly naturalWidth?: number;
    readonly naturalHeight?: number;
  };
  const width = naturalWidth ?? picture.width;
  const height = naturalHeight ?? picture.height;
  if (!(width >= 1 && height >= 1)) {
    throw new UserError('The picture has no pixels: wait until it is loaded (await img.decode()).');
  }
  const context = new dom.OffscreenCanvas(width, height).getContext('2d');
  if (!context) throw new UserError('This browser has no canvas to read the picture with.');
  // What a canvas keeps of transparent colours is less exact than what it lays on white.
  context.fillStyle = 'white';
  context.fillRect(0, 0, width, height);
  context.drawImage(picture, 0, 0);
  return context.getImageData(0, 0, width, height);
}
