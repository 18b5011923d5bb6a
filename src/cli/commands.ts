// All commands, in the order in which the help lists them. Each is imported only when it is asked
// for: `table6 --help` must not load an engine.

import type { CommandEntry } from './command.ts';

export type { CommandEntry } from './command.ts';

export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'quickstart',
    summary: 'Train ResNet-20 for a few minutes and see how it compares',
    load: async () => (await import('./commands/quickstart.ts')).quickstart,
  },
  {
    name: 'train',
    summary: 'Train a network, or resume a run',
    load: async () => (await import('./commands/train.ts')).train,
  },
  {
    name: 'evaluate',
    summary: 'Test error, per-class accuracy and worst mistakes of a run or a weights file',
    load: async () => (await import('./commands/evaluate.ts')).evaluate,
  },
  {
    name: 'predict',
    summary: 'The likeliest classes of your own images',
    load: async () => (await import('./commands/predict.ts')).predict,
  },
  {
    name: 'convert',
    summary: 'Weights to PyTorch, safetensors or ONNX',
    load: async () => (await import('./commands/convert.ts')).convert,
  },
  {
    name: 'info',
    summary: 'What a weights file holds: format, network, normalisation, metadata',
    load: async () => (await import('./commands/info.ts')).info,
  },
  {
    name: 'verify',
    summary: 'Whether run folders, tables and weights files are whole, by their checksums',
    load: async () => (await import('./commands/verify.ts')).verify,
  },
  {
    name: 'summary',
    summary: 'Layers, parameters and multiply-adds of a network',
    load: async () => (await import('./commands/summary.ts')).summary,
  },
  {
    name: 'data',
    summary: 'What a data set holds, and what it looks like',
    load: async () => (await import('./commands/data.ts')).data,
  },
  {
    name: 'reproduce',
    summary: 'Train the networks of Table 6 with several seeds, and report',
    load: async () => (await import('./commands/reproduce.ts')).reproduce,
  },
  {
    name: 'report',
    summary: 'The table paper | ours of a folder of runs or of one run, with curves',
    load: async () => (await import('./commands/report.ts')).report,
  },
  {
    name: 'slurm submit',
    summary: 'Train a table on a Slurm cluster',
    load: async () => (await import('./commands/slurm-submit.ts')).slurmSubmit,
  },
  {
    name: 'slurm status',
    summary: 'Each run of a table on a cluster: state, epoch, speed, time left, error',
    load: async () => (await import('./commands/slurm-status.ts')).slurmStatus,
  },
  {
    name: 'slurm retry',
    summary: 'Submit again what is neither finished nor in the queue',
    load: async () => (await import('./commands/slurm-retry.ts')).slurmRetry,
  },
  {
    name: 'slurm cancel',
    summary: "Take a table's tasks out of Slurm's queue",
    load: async () => (await import('./commands/slurm-cancel.ts')).slurmCancel,
  },
  {
    name: 'slurm logs',
    summary: "What a run's task on the cluster wrote",
    load: async () => (await import('./commands/slurm-logs.ts')).slurmLogs,
  },
  {
    name: 'k8s manifest',
    summary: 'A table as Jobs of Kubernetes, in YAML',
    load: async () => (await import('./commands/k8s-manifest.ts')).k8sManifest,
  },
  {
    name: 'task',
    summary: 'Train one run of a table: what a job of a cluster does',
    load: async () => (await import('./commands/task.ts')).task,
  },
  {
    name: 'analyze',
    summary: 'Standard deviation of layer responses (Figure 7) of runs and weights',
    load: async () => (await import('./commands/analyze.ts')).analyze,
  },
  {
    name: 'ui',
    summary: 'The page in a browser: read, train, and watch runs as they go',
    load: async () => (await import('./commands/ui.ts')).ui,
  },
  {
    name: 'doctor',
    summary: 'What this machine has and what table6 makes of it',
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    name: 'bench',
    summary: 'Time training and inference steps',
    load: async () => (await import('./commands/bench.ts')).bench,
  },
  {
    name: 'completion',
    summary: 'A script that completes commands and options in bash, zsh or fish',
    load: async () => (await import('./commands/completion.ts')).completionOf(COMMANDS),
  },
];
