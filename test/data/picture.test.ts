// A picture that somebody named and that is none: what it is, and what to do.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { decodePicture, decodePictureBytes } from '../../src/data/node/picture.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'table6-pictures-'));
const at = (name: string) => path.join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

const decoder = () => Promise.reject(new Error('bad seek\nand more'));
const bytes = (text: string) => Uint8Array.from(text, (each) => each.charCodeAt(0));

describe('a picture that cannot be read', () => {
  test.each([
    [
      '\0\0\0\x18ftypheic....',
      /\(it is HEIC, a phone camera's format\): convert it to PNG, JPEG or/,
    ],
    ['\0\0\0\x18ftypavif....', /\(it is AVIF\): convert/],
    ['<!doctype html><p>', /\(it is a web page\): convert/],
    ['%PDF-1.7', /\(it is a PDF\): convert/],
    [
      'something',
      /\(bad seek\): it is damaged or no picture; give a PNG, JPEG, WebP, GIF, AVIF or TIFF file\.$/,
    ],
    ['', /is an empty file\.$/],
  ])('%j', async (content, message) => {
    await expect(decodePictureBytes(decoder, bytes(content), 'The picture')).rejects.toThrow(
      message,
    );
    writeFileSync(at('x.jpg'), bytes(content));
    await expect(decodePicture(decoder, at('x.jpg'))).rejects.toThrow(message);
  });

  test('an address, a folder, nothing, a pipe', async () => {
    const rejects = (name: string) => expect(decodePicture(decoder, name)).rejects;
    await rejects('https://example.org/cat.jpg').toThrow(/is an address .*: download it/);
    mkdirSync(at('folder'));
    await rejects(at('folder')).toThrow('is a folder: name the pictures in it.');
    await rejects(at('none.png')).toThrow('does not exist: check the path.');
    if (process.platform === 'win32') return;
    execFileSync('mkfifo', [at('pipe')]);
    await rejects(at('pipe')).toThrow('is no regular file: name a picture file.');
  });
});
