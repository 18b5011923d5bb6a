// What a program that depends on table6 can use, on Node.js: classify pictures, describe a network, load data, train
// into a run folder or by hand, evaluate, predict, read and recognise weights. The command line is
// built from the same pieces.

import './library/require-node.ts';

export type { Dataset, Split } from './data/dataset.ts';
export {
  type ContactSheetOptions,
  contactSheet,
  type DatasetFacts,
  describeDataset,
} from './data/facts.ts';
export { loadDataset } from './data/load.node.ts';
export type { LoadEvent, LoadOptions } from './data/load-options.ts';
export { imageDecoder } from './data/node/decode-image.ts';
export {
  IMAGENET_NORMALIZATION,
  makeNormalization,
  type Normalization,
  type NormalizationKind,
} from './data/normalization.ts';
export { type RawImage, toNetworkInput } from './data/pixels.ts';
export type {
  Backend,
  BatchInputs,
  BatchMetrics,
  Executable,
  HeldImages,
  MuonSettings,
  SelectedInputs,
  SgdSettings,
} from './engine/backend.ts';
export type { BackendOptions } from './engine/backend-options.ts';
export { lowerInference } from './engine/lower-infer.ts';
export { lowerTraining, lowerTrainingFor } from './engine/lower-train.ts';
export type { Operation, Program } from './engine/program.ts';
export { createReferenceBackend } from './engine/reference/backend.ts';
export { createWasmBackend, type WasmBackendOptions } from './engine/wasm/backend.ts';
export { createNodeHost } from './engine/wasm/host.node.ts';
export { type ConfigOverrides, RECIPES, resolveConfig } from './experiment/recipes.ts';
export { TABLE6, type Table6Row, table6Row } from './experiment/table6.ts';
export { readWeightsFile } from './interop/weights.node.ts';
export { readWeights, type Weights } from './interop/weights.ts';
export type { Classifier, ClassifyOptions, Prediction } from './library/classifier.ts';
export {
  type ClassifierOptions,
  createClassifier,
  loadWeights,
  type NodePicture,
} from './library/library.node.ts';
export { openBackend } from './library/open-backend.node.ts';
export { initializeWeights, withNewClassifier } from './nn/initialize.ts';
export { createNetwork, type Network, type ShortcutOption, TABLE6_DEPTHS } from './nn/network.ts';
export { checkWeights, parameterCount, parameterSpecs } from './nn/parameters.ts';
export { formatSummary, type NetworkSummary, summarizeNetwork } from './nn/summary.ts';
export { hostFacts } from './runs/environment.node.ts';
export { type ExportFormat, type ExportOptions, exportModel } from './runs/export.ts';
export { type Model, modelNotices } from './runs/model.ts';
export { createRun, openRun, resumeRun } from './runs/runs.node.ts';
export { runTraining, type SessionOptions } from './runs/session.ts';
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
