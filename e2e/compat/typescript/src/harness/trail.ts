// What the tasks did, in the order they did it, told by the worker processes themselves.
//
// A line per step in one file, written in one go: what a task does before its process is
// killed is there, and scenarios need not trust what the engine says about it.

import { appendFileSync, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Step {
  key: string; // the scenario's, so that scenarios do not see each other
  what: string;
  at: number; // ms
  pid: number;
  data?: any;
}

const file = () => join(process.env.ADZE_COMPAT_DIR ?? '.', 'trail.jsonl');

export function mark(key: string, what: string, data?: unknown): void {
  const step: Step = { key, what, at: Date.now(), pid: process.pid, data };
  appendFileSync(file(), `${JSON.stringify(step)}\n`);
}

export function steps(key: string, what?: string): Step[] {
  if (!existsSync(file())) return [];
  const all = readFileSync(file(), 'utf8').split('\n').filter((line) => line.includes(key)).map((line) => JSON.parse(line));
  return all.filter((step: Step) => step.key === key && (what === undefined || step.what === what));
}

/** The most tasks of a key that were between "begin" and "end" at one time. */
export function peak(key: string): number {
  let now = 0;
  let most = 0;
  for (const step of steps(key)) {
    if (step.what === 'begin') most = Math.max(most, ++now);
    if (step.what === 'end') now--;
  }
  return most;
}
