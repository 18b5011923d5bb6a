// The host's WebAssembly interface, typed. The language's own library does not declare it (the DOM's
// does, which this layer must not use), and it is the same in Node, browsers and workers.

export interface WasmModule {
  readonly [Symbol.toStringTag]: string;
}

export interface WasmMemory {
  /** A SharedArrayBuffer when the memory is shared. */
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
  grow(pages: number): number;
}

export interface WasmInstance {
  readonly exports: Readonly<Record<string, unknown>>;
}

export interface WasmApi {
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => WasmModule;
  readonly Instance: new (
    module: WasmModule,
    imports: { readonly env: { readonly memory: WasmMemory } },
  ) => WasmInstance;
  readonly Memory: new (limits: {
    readonly initial: number;
    readonly maximum?: number;
    readonly shared?: boolean;
  }) => WasmMemory;
}

/** `WebAssembly` of this host. */
export const wasm: WasmApi = (globalThis as unknown as { readonly WebAssembly: WasmApi })
  .WebAssembly;

/** Bytes of one page of WebAssembly memory. */
export const WASM_PAGE = 65536;
