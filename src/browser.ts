// What a program that depends on table6 can use in a browser: the same library without files. Bundlers
// take this file where they build for browsers (the "browser" condition in package.json).

export type { Dataset, Split } from './data/dataset.ts';
export {
  IMAGENET_NORMALIZATION,
  makeNormalization,
  type Normalization,
} from './data/normalization.ts';
export { type RawImage, toNetworkInput } from './data/pixels.ts';
export type {
  Backend,
  BatchInputs,
  BatchMetrics,
  Executable,
  HeldImages,
  SelectedInputs,
} from './engine/backend.ts';
export { lowerInference } from './engine/lower-infer.ts';
export { lowerTraining, lowerTrainingFor } from './engine/lower-train.ts';
export type { Operation, Program } from './engine/program.ts';
export { createReferenceBackend } from './engine/reference/backend.ts';
export { createWasmBackend, type WasmBackendOptions } from './engine/wasm/backend.ts';
export { createBrowserHost, mayShareMemory, type WebWorker } from './engine/wasm/host.browser.ts';
export { createInlineHost } from './engine/wasm/host-inline.ts';
export { type ConfigOverrides, RECIPES, resolveConfig } from './experiment/recipes.ts';
export { readWeights, type Weights } from './interop/weights.ts';
export type { Classifier, ClassifyOptions, Prediction } from './library/classifier.ts';
export {
  type BrowserClassifierOptions as ClassifierOptions,
  createClassifier,
  loadWeights,
} from './library/library.browser.ts';
export {
  type BrowserBackendOptions as BackendOptions,
  openBackend,
} from './library/open-backend.browser.ts';
export type { BrowserPicture, DrawablePicture } from './library/picture.browser.ts';
export { initializeWeights, withNewClassifier } from './nn/initialize.ts';
export { createNetwork, type Network, type ShortcutOption, TABLE6_DEPTHS } from './nn/network.ts';
export { checkWeights, parameterCount, parameterSpecs } from './nn/parameters.ts';
export { formatSummary, type NetworkSummary, summarizeNetwork } from './nn/summary.ts';
export { type ExportFormat, type ExportOptions, exportModel } from './runs/export.ts';
export { type Model, modelNotices } from './runs/model.ts';
export { parseTrainConfig, type TrainConfig } from './train/config.ts';
export { type EvaluationReport, evaluateSplit, predictImages } from './train/evaluate.ts';
export type { TrainEvent } from './train/events.ts';
export { createInference } from './train/executables.ts';
export { Trainer } from './train/loop.ts';
export type { StopRequest, TrainerOptions } from './train/options.ts';
export type { RunResult } from './train/result.ts';
export type { TrainingState } from './train/state.ts';
export { type ErrorCode, type ErrorFacts, UserError } from './util/errors.ts';
export type { NamedTensors, Tensor } from './util/tensor.ts';
