// What loading a data set may be told, and what it tells while it goes on.

/** Something that takes long has moved on. */
export interface LoadEvent {
  readonly kind: 'download' | 'unpack' | 'decode';
  /** The archive or folder that it is about. */
  readonly file: string;
  /** Bytes of a download, images of a decoding. */
  readonly done?: number;
  readonly total?: number | undefined;
}

export interface LoadOptions {
  /** Training images to hold out: a count, or a fraction below 1. */
  readonly validation?: number;
  /** Stop at the first unreadable image instead of skipping it. */
  readonly strict?: boolean;
  /** Nothing is trained: a source may have test images alone, or classes without a folder for either. */
  readonly forTesting?: boolean;
  /** Of the validation split. */
  readonly seed?: number;
  /** Told the classes of an image folder before its images are decoded; what it throws ends the loading. */
  readonly onClasses?: (found: {
    readonly source: string;
    readonly classes: readonly string[];
  }) => void;
  readonly onProgress?: (event: LoadEvent) => void;
  /** A line for people: skipped images, missing classes. */
  readonly onNotice?: (line: string) => void;
  /** Never use the network. */
  readonly offline?: boolean;
  readonly signal?: AbortSignal;
}
