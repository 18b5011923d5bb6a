// onnxruntime-node 1.16 ships no declarations of its own; its interface is onnxruntime-common's.
declare module 'onnxruntime-node' {
  export * from 'onnxruntime-common';
}
