// A reporter of vitest's that counts: what passed, what failed, and what was skipped, with the reasons
// that test files give when they skip ("skipped: ..., because ..."). A clone on another machine then
// shows what it did not check. Lines go to the file that TEST_COUNTS names, else to the console.
//
//   vitest run --reporter=default --reporter=./scripts/count-tests.ts

import { writeFileSync } from 'node:fs';
import type { UserConsoleLog } from 'vitest';
import type { Reporter, TestModule } from 'vitest/node';

/** What a file that skips tests says. */
const REASON = /^skipped: (.*)$/gm;

/** What is counted of vitest's own type. */
export interface CountedModule extends Pick<TestModule, 'id' | 'relativeModuleId' | 'state'> {
  readonly children: {
    readonly size: number;
    allTests(): Iterable<{ result(): { readonly state: string; readonly note?: string } }>;
  };
}

/** How many tests of which files were skipped for a reason. */
interface Skipped {
  tests: number;
  readonly files: Set<string>;
}

export default class CountTests implements Reporter {
  /** By the id of a test file. */
  private readonly reasons = new Map<string, Set<string>>();

  onUserConsoleLog({ content, taskId }: UserConsoleLog): void {
    if (taskId === undefined) return;
    for (const [, reason] of content.matchAll(REASON)) {
      if (reason === undefined) continue;
      // Tests' ids begin with their file's.
      const file = taskId.split('_', 1)[0] as string;
      this.reasons.set(file, (this.reasons.get(file) ?? new Set()).add(reason));
    }
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = countLines(modules, this.reasons);
    const file = process.env.TEST_COUNTS;
    if (file) writeFileSync(file, `${lines.join('\n')}\n`);
    else console.log(lines.join('\n'));
  }
}

/** The lines for people: skipped tests by reason, then all tests. */
export function countLines(
  modules: readonly CountedModule[],
  reasons: ReadonlyMap<string, ReadonlySet<string>>,
): string[] {
  const count = { passed: 0, failed: 0, skipped: 0 };
  const skipped = new Map<string, Skipped>();
  for (const module of modules) {
    // A file that does not even load has no tests in it to fail.
    if (module.state() === 'failed' && module.children.size === 0) count.failed++;
    for (const test of module.children.allTests()) {
      const { state, note } = test.result();
      if (state === 'passed' || state === 'failed' || state === 'skipped') count[state]++;
      if (state !== 'skipped') continue;
      const said = [...(reasons.get(module.id) ?? [])].join('; ');
      const reason = note ?? (said || 'no reason given');
      const group = skipped.get(reason) ?? { tests: 0, files: new Set() };
      group.tests++;
      group.files.add(module.relativeModuleId);
      skipped.set(reason, group);
    }
  }
  const groups = [...skipped].sort(([, a], [, b]) => b.tests - a.tests);
  return [
    ...(count.skipped > 0 ? [`${count.skipped} skipped:`] : []),
    ...groups.map(
      ([reason, { tests, files }]) => `  ${tests}: ${reason} (${[...files].join(', ')})`,
    ),
    `${count.passed} passed, ${count.failed} failed`,
  ];
}
