// The batch scripts: plain sbatch, as a person would write it, to be read and edited. Nothing in them
// needs table6 but the line that trains. The requeue is here and not in what trains, so that it works
// where table6 runs in a container that has no scontrol.

import { type Cell, cellFolder } from '../../experiment/plan.ts';
import { DEFECT, NEVER_RETRY, SAVED, TRY_LATER } from '../exit-codes.ts';
import { quoted } from '../quoted.ts';
import type { SlurmOptions, TaskSettings } from './options.ts';

/** Where things are on the shared disk; all paths are whole. */
export interface Places {
  /** The table's folder. */
  readonly folder: string;
  /** The plan as it was submitted. */
  readonly plan: string;
  /** Where the jobs' output goes. */
  readonly logs: string;
  /** Where the submission was made, which relative paths begin from. */
  readonly workingFolder: string;
  /** `bin/table6.js`. */
  readonly program: string;
  /** The Node.js that submits, for nodes that have none on their PATH. */
  readonly node: string;
  /** The data cache. */
  readonly data: string;
  /** What a container has to see of the disk. */
  readonly binds: readonly string[];
}

export interface ArrayScript {
  readonly name: string;
  readonly cells: readonly Cell[];
  /** As Slurm writes it. */
  readonly time: string;
  readonly mem: string;
}

/** For an array of runs. */
export function arrayScript(
  array: ArrayScript,
  places: Places,
  options: SlurmOptions,
  task: TaskSettings,
): string {
  const { name, cells, time, mem } = array;
  const limit = options.arrayLimit === undefined ? '' : `%${options.arrayLimit}`;
  const indices = cells.length === 1 ? '0' : `0-${cells.length - 1}`;
  return lines(
    '#!/bin/bash',
    `# Trains ${cells.length === 1 ? 'a run' : `${cells.length} runs`} of the table in ${places.folder}: one array index is one run.`,
    '# Written by table6 slurm submit; to be read, edited and given to sbatch by hand as well.',
    directive('job-name', `table6-${name}`),
    directive('array', `${indices}${limit}`),
    ...asked(options),
    directive('gres', options.gres),
    directive('time', time),
    directive('mem', mem),
    directive('cpus-per-task', String(task.threads)),
    `# Told ${options.grace} s before the time is over, the run has that long to finish its step and save.`,
    directive('signal', `B:USR2@${options.grace}`),
    '# After a node fails, or a more important job takes it, the task waits for another.',
    directive('requeue', ''),
    directive('open-mode', 'append'),
    directive('output', `${places.logs.replaceAll('%', '%%')}/%A_%a.txt`),
    directive('chdir', places.workingFolder),
    '',
    'runs=(',
    ...cells.map((cell) => `  ${quoted(cellFolder(cell))}`),
    ')',
    `folder=${quoted(places.folder)}`,
    '',
    ...environment(places, options),
    '',
    `"\${table6[@]}" task "$folder" "\${runs[$SLURM_ARRAY_TASK_ID]}" --plan ${quoted(places.plan)} ${task.arguments.map(quoted).join(' ')} &`,
    'task=$!',
    '',
    '# USR2: the time is nearly over. TERM: Slurm wants the node, or someone cancelled the task. Either way the',
    '# run finishes its step and saves; the script waits for that.',
    "stopped=''",
    'save() { stopped=$1 interrupted=yes; kill -USR2 "$task" 2> /dev/null; }',
    "trap 'save USR2' USR2",
    "trap 'save TERM' TERM",
    'while :; do',
    "  interrupted=''",
    '  wait "$task"; code=$?',
    '  [ -n "$interrupted" ] || break # Otherwise a signal ended the waiting, not the run.',
    'done',
    '',
    '# 0: finished. 42 and 70: the input is wrong, which another try would not change.',
    'case $code in',
    `  0 | ${NEVER_RETRY} | ${DEFECT}) exit "$code" ;;`,
    `  ${[TRY_LATER, ...SAVED].join(' | ')}) ;; # Saved, or another process has the run: to go on later.`,
    '  *) exit "$code" ;;',
    'esac',
    ...requeue(options),
  );
}

function requeue({ noRequeue, maxRequeues }: SlurmOptions): string[] {
  const head = [`this=\${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID`];
  if (noRequeue) {
    return [
      ...head,
      'echo "$this is saved and ends; this cluster is to requeue it by itself (--no-requeue)."',
      'exit "$code"',
    ];
  }
  return [
    ...head,
    'if [ "$stopped" = TERM ]; then',
    '  case $(scontrol show job --oneliner "$SLURM_JOB_ID") in',
    '    *JobState=RUNNING*) ;;',
    '    *PreemptTime=[0-9]*)',
    '      scontrol requeue "$this" 2> /dev/null || echo "$this was preempted, and is back in the queue."',
    '      exit "$code" ;;',
    '    *) # Cancelled, which is not to be undone, or already put back.',
    '      echo "Slurm ended $this: a preempted task comes back by itself, a cancelled one does not."',
    '      exit "$code" ;;',
    '  esac',
    'fi',
    `if [ "\${SLURM_RESTART_COUNT:-0}" -ge ${maxRequeues} ]; then`,
    `  echo "$this was put back ${maxRequeues} times already and is not again; to go on: table6 slurm retry"`,
    '  exit "$code"',
    'fi',
    "# This task alone: the array's bare number would requeue all of them.",
    'echo "$this is saved and goes back into the queue."',
    'scontrol requeue "$this" || {',
    '  echo "$this could not be put back; to go on: table6 slurm retry"',
    '  exit "$code"',
    '}',
  ];
}

/** For the job that reports after the arrays. */
export function reportScript(places: Places, options: SlurmOptions): string {
  return lines(
    '#!/bin/bash',
    `# Reports on the table in ${places.folder}, once its arrays have ended; exit code 1 if a run is missing.`,
    '# Written by table6 slurm submit, which gives it --dependency=afterany:<the arrays>.',
    directive('job-name', 'table6-report'),
    ...asked(options),
    directive('time', '30:00'),
    directive('mem', '2G'),
    directive('open-mode', 'append'),
    directive('output', `${places.logs.replaceAll('%', '%%')}/report-%j.txt`),
    directive('chdir', places.workingFolder),
    '',
    `folder=${quoted(places.folder)}`,
    '',
    ...environment(places, options),
    '',
    `"\${table6[@]}" report "$folder" --output "$folder/report" &&`,
    `"\${table6[@]}" report "$folder" --complete`,
  );
}

/** What all jobs ask for. */
function asked({ partition, account, qos, constraint }: SlurmOptions) {
  return [
    directive('partition', partition),
    directive('account', account),
    directive('qos', qos),
    directive('constraint', constraint),
  ];
}

function environment(places: Places, options: SlurmOptions): string[] {
  const { setup, container, gres } = options;
  const { program, node, data } = places;
  const binds = places.binds.map((path) => `--bind ${quoted(path)}`);
  const inside = ['apptainer exec', ...(gres?.includes('gpu') ? ['--nv'] : []), ...binds];
  return [
    ...(setup === undefined ? [] : [`source ${quoted(setup)}`]),
    '# Nodes have no internet: the data are here.',
    `export TABLE6_DATA=${quoted(data)}`,
    ...(container === undefined
      ? [
          "# Node.js is the node's own, or else the one that this was submitted with.",
          `table6=("$(command -v node || echo ${quoted(node)})" ${quoted(program)})`,
        ]
      : [`table6=(${inside.join(' ')} ${quoted(container)} table6)`]),
  ];
}

/** A line that sbatch reads; undefined for what was not asked for. */
function directive(name: string, value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const written = /[\s"']/.test(value) ? `"${value.replaceAll('"', '\\"')}"` : value;
  return `#SBATCH --${name}${value === '' ? '' : `=${written}`}`;
}

function lines(...all: readonly (string | undefined)[]): string {
  return `${all.filter((line) => line !== undefined).join('\n')}\n`;
}
