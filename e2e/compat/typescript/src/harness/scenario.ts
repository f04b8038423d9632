// A scenario is a promise that a program on the SDK can rely on, and the proof.

import { randomUUID } from 'node:crypto';
import { test } from 'vitest';
import { type Feature, has } from './features';

interface Options {
  needs?: Feature;
  missing?: string; // what the engine lacks
  timeout?: number; // ms
}

/** Tells one promise; the proof gets a key that no other scenario has. */
export function scenario(promise: string, options: Options, prove: (key: string) => Promise<void>): void {
  const { needs, missing, timeout } = options;
  const lacks = needs && !has(needs) ? `the SDK has no ${needs}` : missing;
  if (lacks) test.skip(`${promise} (${lacks})`);
  else test(promise, { timeout }, () => prove(uniqueKey()));
}

export function uniqueKey(): string {
  return `k${randomUUID().slice(0, 13)}`;
}
