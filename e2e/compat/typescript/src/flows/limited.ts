import { ConcurrencyLimitStrategy, RateLimitDuration } from '@hatchet-dev/typescript-sdk/v1';
import { hatchet } from '../client';
import { has } from '../harness/features';
import { mark } from '../harness/trail';
import { pause } from '../harness/until';

type Keyed = { key: string; group?: string; other?: string; n?: number; ms?: number };

const strategy = ConcurrencyLimitStrategy as any;

const work = async (input: Keyed, ctx: any) => {
  mark(input.key, 'begin', input);
  try {
    await pause(input.ms ?? 700, ctx.abortController.signal);
    return { n: input.n ?? 0 };
  } finally {
    mark(input.key, 'end', input);
  }
};

export const fair = hatchet.task({
  name: 'fair',
  concurrency: { expression: 'input.group', maxRuns: 2, limitStrategy: strategy.GROUP_ROUND_ROBIN },
  fn: work,
});

export const newestWins = hatchet.task({
  name: 'newest-wins',
  concurrency: { expression: 'input.group', maxRuns: 1, limitStrategy: strategy.CANCEL_IN_PROGRESS },
  fn: work,
});

export const oldestWins = hatchet.task({
  name: 'oldest-wins',
  concurrency: { expression: 'input.group', maxRuns: 1, limitStrategy: strategy.CANCEL_NEWEST },
  fn: work,
});

export const twoKeys = hatchet.task({
  name: 'two-keys',
  concurrency: [
    { expression: 'input.group', maxRuns: 3, limitStrategy: strategy.GROUP_ROUND_ROBIN },
    { expression: 'input.other', maxRuns: 1, limitStrategy: strategy.GROUP_ROUND_ROBIN },
  ],
  fn: work,
});

export const wholeRun = hatchet.workflow<Keyed>({
  name: 'whole-run',
  concurrency: { expression: 'input.group', maxRuns: 1, limitStrategy: strategy.GROUP_ROUND_ROBIN },
});
const opening = wholeRun.task({
  name: 'opening',
  fn: async (input) => {
    mark(input.key, 'begin', input);
    await pause(300);
    return { ok: true };
  },
});
wholeRun.task({
  name: 'closing',
  parents: [opening],
  fn: async (input) => {
    await pause(300);
    mark(input.key, 'end', input);
    return { ok: true };
  },
});

export const wrongKey = hatchet.task({
  name: 'wrong-key',
  concurrency: { expression: 'input.absent', maxRuns: 1, limitStrategy: strategy.GROUP_ROUND_ROBIN },
  fn: work,
});

export const static1 = hatchet.task({
  name: 'rated',
  rateLimits: [{ staticKey: 'compat-static', units: 1 }],
  fn: async (input: Keyed) => {
    mark(input.key, 'ran');
    return { ok: true };
  },
});

export const dynamic = hatchet.task({
  name: 'rated-by-user',
  rateLimits: [
    { dynamicKey: 'input.group', units: 'input.n', limit: '4', duration: RateLimitDuration.MINUTE },
  ],
  fn: async (input: Keyed) => {
    mark(input.key, 'ran', input.group);
    return { ok: true };
  },
});

const shared = { name: 'compat-shared', isTenantScoped: true, expression: 'input.group', maxRuns: 1 } as any;
export const sharedOne = hatchet.task({
  name: 'shared-one',
  concurrency: { ...shared, limitStrategy: strategy.GROUP_ROUND_ROBIN },
  fn: work,
});
export const sharedTwo = hatchet.task({
  name: 'shared-two',
  concurrency: { ...shared, limitStrategy: strategy.GROUP_ROUND_ROBIN },
  fn: work,
});

export const elastic = hatchet.task({
  name: 'elastic',
  concurrency: { expression: 'input.group', maxRuns: 'input.n' as any, limitStrategy: strategy.GROUP_ROUND_ROBIN },
  fn: work,
});

export const keepNewest = hatchet.task({
  name: 'keep-newest',
  concurrency: { expression: 'input.group', maxRuns: 1, limitStrategy: strategy.CANCEL_QUEUED_EXCEPT_NEWEST ?? 5 },
  fn: work,
});
export const keepOldest = hatchet.task({
  name: 'keep-oldest',
  concurrency: { expression: 'input.group', maxRuns: 1, limitStrategy: strategy.CANCEL_QUEUED_EXCEPT_OLDEST ?? 6 },
  fn: work,
});

const newer = has('sharedConcurrency') ? [sharedOne, sharedTwo, elastic, keepNewest, keepOldest] : [];
export const flows = [fair, newestWins, oldestWins, twoKeys, wholeRun, wrongKey, static1, dynamic, ...newer];
