// An Indexed Job by the rules of Kubernetes' own controller, on this machine: so many pods at a time; an
// index is done with the first of its pods that exits with 0; a pod that fails is judged by the first rule
// of the failure policy that matches; an index with too many failures of its own fails, and the others go
// on. (scripts/kubernetes-test.ts has the real controller.)

import { mkdir } from 'node:fs/promises';
import { type Pod, type PodSpec, startPod } from '../../../scripts/kubernetes-pod.ts';

interface Rule {
  readonly action: string;
  readonly onExitCodes?: { readonly operator: string; readonly values: readonly number[] };
  readonly onPodConditions?: readonly { readonly type: string }[];
}

export interface JobSpec {
  readonly completions: number;
  readonly parallelism: number;
  readonly backoffLimitPerIndex: number;
  readonly podFailurePolicy: { readonly rules: readonly Rule[] };
  readonly template: { readonly spec: PodSpec };
}

export interface JobResult {
  readonly succeeded: readonly number[];
  readonly failed: readonly number[];
  /** Exit codes of the pods of each index. */
  readonly exits: readonly (readonly number[])[];
  readonly mostAtOnce: number;
}

export interface ExecutorHost {
  readonly folder: string;
  readonly bin: string;
  readonly configMaps: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Told of each pod; what it evicts has the condition of a disruption. */
  readonly onPod?: (pod: Pod, index: number, evict: () => void) => void;
}

export async function runJob(spec: JobSpec, host: ExecutorHost): Promise<JobResult> {
  const waiting = Array.from({ length: spec.completions }, (_, index) => index);
  const exits: number[][] = waiting.map(() => []);
  const [succeeded, failed]: [number[], number[]] = [[], []];
  let now = 0;
  let most = 0;
  const runIndex = async (index: number) => {
    for (let failures = 0; ; ) {
      const folder = `${host.folder}/pod-${index}-${exits[index]!.length}`;
      await mkdir(folder, { recursive: true });
      const pod = startPod(spec.template.spec, { ...host, folder, index: String(index) });
      let isDisrupted = false;
      host.onPod?.(pod, index, () => {
        isDisrupted = true;
        pod.stop();
      });
      const code = await pod.ended;
      exits[index]!.push(code);
      if (code === 0) return succeeded.push(index);
      const rule = spec.podFailurePolicy.rules.find((each) => matches(each, code, isDisrupted));
      if (rule?.action === 'Ignore') continue;
      if (rule?.action === 'FailIndex' || ++failures > spec.backoffLimitPerIndex) {
        return failed.push(index);
      }
    }
  };
  const worker = async () => {
    for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
      most = Math.max(most, ++now);
      await runIndex(index);
      now--;
    }
  };
  await Promise.all(Array.from({ length: spec.parallelism }, worker));
  const ordered = (list: number[]) => list.sort((a, b) => a - b);
  return { succeeded: ordered(succeeded), failed: ordered(failed), exits, mostAtOnce: most };
}

function matches(
  { onExitCodes, onPodConditions }: Rule,
  code: number,
  isDisrupted: boolean,
): boolean {
  if (onPodConditions) return isDisrupted && onPodConditions[0]?.type === 'DisruptionTarget';
  if (!onExitCodes) return false;
  return onExitCodes.values.includes(code) === (onExitCodes.operator === 'In');
}
