// Data sets as other programs pack them, which are not read here: what they are, and what to do.

import { type FolderFiles, joined } from './folder-files.ts';

const AS_FOLDER =
  'write the images into folders train/<class>/ and test/<class>/, or as arrays into a .npz (x_train, y_train, x_test, y_test)';

const KINDS = {
  parquet: `a Parquet table, as Hugging Face packs data sets: in Python, load it with datasets.load_dataset and ${AS_FOLDER}`,
  arrow: `an Arrow table, as Hugging Face keeps data sets: in Python, load it with datasets.load_from_disk and ${AS_FOLDER}`,
  mat: `a MATLAB file: in Python, load it with scipy.io.loadmat and ${AS_FOLDER}; CIFAR also comes as a "binary version"`,
  idx: `an IDX file, as MNIST is packed: its images are 28 × 28 and grey; ${AS_FOLDER} of 32 × 32 images in colour`,
  tfrecord: `a TFRecord file, as TensorFlow packs data sets: in Python, load it with tensorflow_datasets and ${AS_FOLDER}`,
  hdf5: `an HDF5 file: in Python, load it with h5py and ${AS_FOLDER}`,
  npy: 'a single array of numpy: save images and labels together in a .npz (x_train, y_train, x_test, y_test)',
  pt: `tensors of PyTorch: in Python, load them and ${AS_FOLDER}`,
  zip: 'a zip archive: unpack it and give the folder',
} as const;
type Kind = keyof typeof KINDS;

const NAMES: readonly (readonly [RegExp, Kind])[] = [
  [/\.parquet$/i, 'parquet'],
  [/\.arrow$/i, 'arrow'],
  [/\.mat$/i, 'mat'],
  [/(-|\.)(idx[13])(-|\.)?(ubyte)?(\.gz)?$/i, 'idx'],
  [/\.tfrecords?(-\d.*)?$/i, 'tfrecord'],
  [/\.(h5|hdf5)$/i, 'hdf5'],
  [/\.npy$/i, 'npy'],
  [/\.zip$/i, 'zip'],
];

/**
 * What a file is that was named as a data set.
 * @param head its first bytes (`HEAD_BYTES` of formats/tar.ts)
 * @returns 'npz', which is read; what it is and what to do, to go on with behind its name; undefined for
 * what may be an archive of CIFAR
 */
export function fileKind(head: Uint8Array, path: string): 'npz' | (string & {}) | undefined {
  const kind = kindOf(String.fromCharCode(...head), path);
  return kind === 'npz' || kind === undefined ? kind : `is ${KINDS[kind]}.`;
}

function kindOf(text: string, path: string): Kind | 'npz' | undefined {
  // A zip archive begins with the name of its first file.
  if (text.startsWith('PK\x03\x04')) {
    if (/\.npz$/i.test(path) || text.slice(30, 130).includes('.npy')) return 'npz';
    return text.slice(30, 130).includes('data.pkl') ? 'pt' : 'zip';
  }
  if (text.startsWith('PAR1')) return 'parquet';
  if (text.startsWith('ARROW1')) return 'arrow';
  if (text.startsWith('MATLAB 5.0')) return 'mat';
  if (text.startsWith('\x89HDF')) return /\.mat$/i.test(path) ? 'mat' : 'hdf5';
  if (text.startsWith('\x93NUMPY')) return 'npy';
  if (text.startsWith('\0\0\x08\x01') || text.startsWith('\0\0\x08\x03')) return 'idx';
  return NAMES.find(([pattern]) => pattern.test(path))?.[1];
}

/** What a folder has that other programs read, one folder deep as well. */
export function foreignFiles(folder: FolderFiles): string | undefined {
  const { names, files } = folder.list('');
  const inside = names.flatMap((name) => folder.list(name).files.map((file) => joined(name, file)));
  for (const file of [...files, ...inside]) {
    const kind = NAMES.find(([pattern]) => pattern.test(file))?.[1];
    if (kind !== undefined) return `${file} is ${KINDS[kind]}.`;
    if (/\.npz$/i.test(file)) return `${file} is a .npz: name that file itself.`;
  }
  return undefined;
}
