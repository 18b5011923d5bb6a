// Tables that say what numbered images show, as competitions give them: `trainLabels.csv` with a line `1,frog`
// for `train/1.png`.

import { UserError } from '../util/errors.ts';

/** The label table of a folder of images that is called `split`, among the files beside it. */
export function findLabels(files: readonly string[], split: string): string | undefined {
  const name = split.toLowerCase();
  const likely = [`${name}labels`, `${name}_labels`, `${name}-labels`, 'labels', name];
  const byName = new Map(files.map((file) => [file.toLowerCase(), file]));
  return likely.map((stem) => byName.get(`${stem}.csv`)).find((file) => file !== undefined);
}

/**
 * The class of each image that the table names.
 * @param path for messages
 * @param images names of files; the table may leave their endings away
 * @throws UserError where it is no table of two columns, or says two things of one image
 */
export function readLabels(
  text: string,
  path: string,
  images: readonly string[],
): ReadonlyMap<string, string> {
  const rows = text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .filter((line) => line.trim() !== '')
    .map(cells);
  const byName = new Map(
    images.flatMap((image) => [[image, image] as const, [stem(image), image] as const]),
  );
  const labels = new Map<string, string>();
  for (const [index, row] of rows.entries()) {
    const [first = '', label = ''] = row;
    const image = byName.get(first.replace(/^.*[/\\]/, ''));
    if (image === undefined) continue;
    if (row.length !== 2 || label === '') {
      throw new UserError(
        `${path}, line ${index + 1}: there must be an image and its class, as in "1,frog", not "${row.join(',').slice(0, 80)}"`,
      );
    }
    const before = labels.get(image);
    if (before !== undefined && before !== label) {
      throw new UserError(`${path} says that ${image} is "${before}" and "${label}"`);
    }
    labels.set(image, label.normalize('NFC'));
  }
  if (labels.size === 0) {
    throw new UserError(
      `${path} names none of the images: its first column must be their names (1 or 1.png), its second their classes`,
    );
  }
  return labels;
}

/** The cells of a line; quotes around them are left away. */
function cells(line: string): string[] {
  const separator = line.includes(',') ? ',' : line.includes(';') ? ';' : '\t';
  return line.split(separator).map((cell) => cell.trim().replace(/^"(.*)"$/, '$1'));
}

function stem(name: string): string {
  return name.replace(/\.[^.]*$/, '');
}
