// Slurm's queue and times, as several versions write them.

import { describe, expect, test } from 'vitest';
import { parseIndices, parsePlainQueue, parseQueue } from '../../../src/cluster/slurm/queue.ts';
import {
  formatTime,
  ofNetwork,
  parseByNetwork,
  parseTime,
} from '../../../src/cluster/slurm/time.ts';

/** Of Slurm 22.05, cut down to what is read. */
const JOBS_22 = [
  {
    job_id: 8,
    array_job_id: 7,
    array_task_id: 1,
    job_state: 'RUNNING',
    nodes: 'n1',
    end_time: 1100,
  },
  {
    ...{ job_id: 7, array_job_id: 7, array_task_id: null, array_task_string: '2-3,9%2' },
    ...{ job_state: 'PENDING', state_reason: 'JobArrayTaskLimit', nodes: '', end_time: 0 },
  },
  { job_id: 9, array_job_id: 0, job_state: 'PENDING', state_reason: 'Dependency' },
  { job_id: 4, array_job_id: 4, array_task_id: 0, job_state: 'COMPLETED' },
];

/** The same of Slurm 24.05. */
const number = (value: number) => ({ set: true, infinite: false, number: value });
const JOBS_24 = [
  {
    ...{ job_id: 8, array_job_id: number(7), array_task_id: number(1), array_task_string: '' },
    ...{ job_state: ['RUNNING'], state_reason: 'None', nodes: 'n1', end_time: number(1100) },
  },
  {
    ...{
      job_id: 7,
      array_job_id: number(7),
      array_task_id: { set: false, infinite: false, number: 0 },
    },
    ...{ array_task_string: '2-3,9%2', job_state: ['PENDING'], state_reason: 'JobArrayTaskLimit' },
    ...{ nodes: '', end_time: number(0) },
  },
  {
    ...{ job_id: 9, array_job_id: number(0), job_state: ['PENDING'], state_reason: 'Dependency' },
  },
  { job_id: 4, array_job_id: number(4), array_task_id: number(0), job_state: ['COMPLETED'] },
];

const waiting = { job: '7', state: 'PENDING', reason: 'JobArrayTaskLimit', node: undefined };
const PARSED = [
  { job: '7', index: 1, state: 'RUNNING', reason: undefined, node: 'n1', secondsLeft: 100 },
  ...[2, 3, 9].map((index) => ({ ...waiting, index, secondsLeft: undefined })),
  {
    ...{ job: '9', index: undefined, state: 'PENDING', reason: 'Dependency' },
    ...{ node: undefined, secondsLeft: undefined },
  },
];

describe('the queue', () => {
  test.each([
    ['22.05', JOBS_22],
    ['24.05', JOBS_24],
  ])('of Slurm %s: tasks that wait are one entry, those that ended are none', (_, jobs) => {
    expect(parseQueue(JSON.stringify({ meta: {}, errors: [], jobs }), 1000)).toEqual(PARSED);
  });

  test('without JSON says the same', () => {
    const text = [
      '7|1|RUNNING|None|n1|1:40',
      '7|2-3,9%2|PENDING|JobArrayTaskLimit||5:00',
      '9|N/A|PENDING|Dependency||30:00',
      '4|0|COMPLETED|None|n1|0:00',
      '',
    ].join('\n');
    expect(parsePlainQueue(text)).toEqual(PARSED);
  });

  test('that is no JSON, or has other fields, is said to be so', () => {
    expect(() => parseQueue('slurm_load_jobs', 0)).toThrow('squeue --json wrote no JSON');
    expect(() => parseQueue('{"jobs":[{"job_id":"x"}]}', 0)).toThrow(
      /does not understand: jobs\.0/,
    );
  });

  test('lists of indices', () => {
    expect(parseIndices('0-3,7,10-20:5%2')).toEqual([0, 1, 2, 3, 7, 10, 15, 20]);
    expect(parseIndices('[4-5]')).toEqual([4, 5]);
    expect(parseIndices('5')).toEqual([5]);
  });
});

describe('times', () => {
  test.each([
    ['90', 5400, '1:30:00'],
    ['1:30', 90, '0:02:00'],
    ['4:00:00', 14_400, '4:00:00'],
    ['2-0', 172_800, '2-00:00:00'],
    ['1-12:30', 131_400, '1-12:30:00'],
    ['1-12:30:15', 131_415, '1-12:31:00'],
  ])('%s is %i s, and asked for as %s', (text, seconds, asked) => {
    expect(parseTime(text)).toBe(seconds);
    expect(formatTime(seconds)).toBe(asked);
  });

  test.each(['', 'soon', '4h', '1:2:3:4', '-5', '1.5'])('"%s" is none', (text) => {
    expect(parseTime(text)).toBeUndefined();
  });

  test('one for all, and others for some networks', () => {
    const isTime = (text: string) => parseTime(text) !== undefined;
    const times = parseByNetwork('4:00:00,resnet1202=2-00:00:00', isTime, 'a time');
    expect([ofNetwork(times, 'resnet20'), ofNetwork(times, 'resnet1202')]).toEqual([
      '4:00:00',
      '2-00:00:00',
    ]);
    expect(ofNetwork(parseByNetwork('resnet20=5', isTime, 'a time'), 'resnet32')).toBeUndefined();
    for (const wrong of ['1,2', 'resnet20=x', 'resnet20=1,resnet20=2', 'a=b=c', '1,']) {
      expect(() => parseByNetwork(wrong, isTime, 'a time')).toThrow(
        `must be a time, not "${wrong}"`,
      );
    }
  });
});
