// A pod's container as a process of this machine: its command, arguments and environment, the signal and
// the grace at its end, its exit code. What isolates a container is left away: the volume is where the
// manifest mounts it, and ConfigMaps are files in a folder that stands for their mount.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export interface PodSpec {
  readonly terminationGracePeriodSeconds?: number;
  readonly containers: readonly {
    readonly name: string;
    readonly command: readonly string[];
    readonly args: readonly string[];
    readonly env?: readonly { readonly name: string; readonly value?: string }[];
    readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  }[];
  readonly volumes?: readonly {
    readonly name: string;
    readonly configMap?: { readonly name: string };
  }[];
}

export interface Pod {
  /** With an exit code as a container has it: 128 and the signal's number for one that was killed. */
  readonly ended: Promise<number>;
  readonly output: () => string;
  /** TERM, and KILL when the grace is over. */
  stop(): void;
}

export interface PodHost {
  /** Of the pod alone. */
  readonly folder: string;
  /** Where `table6` is. */
  readonly bin: string;
  /** Files by ConfigMap. */
  readonly configMaps: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly index?: string | undefined;
}

const SIGNALS: Readonly<Record<string, number>> = {
  SIGINT: 2,
  SIGKILL: 9,
  SIGTERM: 15,
  SIGUSR2: 12,
};

export function startPod(spec: PodSpec, host: PodHost): Pod {
  const container = spec.containers[0];
  if (!container) throw new Error('a pod without a container');
  let args = [...container.args];
  for (const { name, mountPath } of container.volumeMounts ?? []) {
    const map = spec.volumes?.find((volume) => volume.name === name)?.configMap?.name;
    if (map === undefined) {
      mkdirSync(mountPath, { recursive: true });
      continue;
    }
    const dir = path.join(host.folder, name);
    mkdirSync(dir, { recursive: true });
    for (const [file, text] of Object.entries(host.configMaps[map] ?? {})) {
      writeFileSync(path.join(dir, file), text);
    }
    args = args.map((arg) => arg.replaceAll(mountPath, dir));
  }
  const values = (container.env ?? []).flatMap(({ name, value }) =>
    value === undefined ? [] : [[name, value]],
  );
  const [command = 'sh', ...rest] = container.command;
  const child: ChildProcess = spawn(command, [...rest, ...args], {
    cwd: host.folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: `${host.bin}:${process.env.PATH}`,
      HOME: host.folder,
      ...Object.fromEntries(values),
      ...(host.index !== undefined && { JOB_COMPLETION_INDEX: host.index }),
    },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
  }
  let timer: NodeJS.Timeout | undefined;
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve(code ?? 128 + (SIGNALS[signal ?? ''] ?? 0));
    });
  });
  return {
    ended,
    output: () => text,
    stop() {
      child.kill('SIGTERM');
      const grace = spec.terminationGracePeriodSeconds ?? 30;
      timer ??= setTimeout(() => child.kill('SIGKILL'), 1000 * grace);
    },
  };
}
