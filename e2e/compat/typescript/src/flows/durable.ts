import { Or, SleepCondition, UserEventCondition } from '@hatchet-dev/typescript-sdk/v1';
import { hatchet } from '../client';
import { mark, steps } from '../harness/trail';
import { pause, until } from '../harness/until';
import { child } from './families';

type Keyed = { key: string };

export const sleeper = hatchet.durableTask({
  name: 'sleeper',
  executionTimeout: '5m',
  fn: async (input: Keyed & { seconds: number }, ctx) => {
    mark(input.key, 'begin', ctx.invocationCount);
    const slept = await ctx.sleepFor(`${input.seconds}s`);
    mark(input.key, 'woke', ctx.invocationCount);
    return { durationMs: slept.durationMs };
  },
});

export const hearer = hatchet.durableTask({
  name: 'hearer',
  executionTimeout: '5m',
  fn: async (input: Keyed & { scope?: string; lookback?: boolean }, ctx) => {
    mark(input.key, 'begin');
    const heard = await ctx.waitForEvent(
      `compat:durable:${input.key}`,
      'input.amount > 10',
      undefined,
      input.scope,
      input.lookback ? '5m' : undefined,
    );
    return { heard } as any;
  },
});

export const chooser = hatchet.durableTask({
  name: 'chooser',
  executionTimeout: '5m',
  fn: async (input: Keyed, ctx) => {
    mark(input.key, 'begin');
    const met = await ctx.waitFor(
      Or(new SleepCondition('60s', 'late'), new UserEventCondition(`compat:durable:${input.key}`, '', 'event')),
    );
    return { met } as any;
  },
});

export const demanding = hatchet.durableTask({
  name: 'demanding',
  executionTimeout: '5m',
  fn: async (input: Keyed, ctx) => {
    mark(input.key, 'begin');
    const met = await ctx.waitFor([
      new SleepCondition('1s', 'nap'),
      new UserEventCondition(`compat:durable:${input.key}`, '', 'event'),
    ]);
    return { met } as any;
  },
});

/** Asks what time it is, sleeps, fails once, and asks again. */
export const punctual = hatchet.durableTask({
  name: 'punctual',
  executionTimeout: '5m',
  retries: 1,
  fn: async (input: Keyed, ctx) => {
    const now = await ctx.now();
    mark(input.key, 'now', now.toISOString());
    await ctx.sleepFor('1s');
    if (ctx.retryCount() === 0) throw new Error('once more');
    return { now: now.toISOString() };
  },
});

export const durableParent = hatchet.durableTask({
  name: 'durable-parent',
  executionTimeout: '5m',
  retries: 1,
  fn: async (input: Keyed, ctx) => {
    const one = await ctx.spawnChild<any, any>(child as any, { key: input.key, n: 3 });
    const more = await ctx.spawnChildren<any, any>([
      { workflow: child as any, input: { key: input.key, n: 4 } },
      { workflow: child as any, input: { key: input.key, n: 5 } },
    ]);
    mark(input.key, 'spawned');
    if (ctx.retryCount() === 0) throw new Error('once more');
    return { squares: [one.square, ...more.map((result: any) => result.square)] };
  },
});

export const durableWorrier = hatchet.durableTask({
  name: 'durable-worrier',
  executionTimeout: '5m',
  fn: async (input: Keyed, ctx) => {
    try {
      await ctx.spawnChild<any, any>(child as any, { key: input.key, n: -2 });
      return { error: '' };
    } catch (error: any) {
      return { error: String(error.message) };
    }
  },
});

/** Leaves its slot a second after it began to wait. */
export const leaving = hatchet.durableTask({
  name: 'leaving',
  executionTimeout: '5m',
  evictionPolicy: { ttl: '1s', allowCapacityEviction: true, priority: 0 },
  fn: async (input: Keyed & { seconds: number }, ctx) => {
    mark(input.key, 'begin', { invocation: ctx.invocationCount, pid: process.pid });
    await ctx.sleepFor(`${input.seconds}s`);
    mark(input.key, 'woke');
    return { invocation: ctx.invocationCount };
  },
});

export const leavingForEvent = hatchet.durableTask({
  name: 'leaving-for-event',
  executionTimeout: '5m',
  evictionPolicy: { ttl: '1s', allowCapacityEviction: true, priority: 0 },
  fn: async (input: Keyed, ctx) => {
    mark(input.key, 'begin', ctx.invocationCount);
    const heard = await ctx.waitForEvent(`compat:durable:${input.key}`);
    return { heard, invocation: ctx.invocationCount } as any;
  },
});

/** Does another thing in its second invocation than in its first. */
export const fickle = hatchet.durableTask({
  name: 'fickle',
  executionTimeout: '5m',
  evictionPolicy: { ttl: '1s', allowCapacityEviction: true, priority: 0 },
  fn: async (input: Keyed, ctx) => {
    mark(input.key, 'begin', ctx.invocationCount);
    await ctx.sleepFor(ctx.invocationCount === 1 ? '3s' : '7s');
    return { ok: true };
  },
});

/** Two steps, each with a child, so that the second can be done again alone. */
export const stepwise = hatchet.durableTask({
  name: 'stepwise',
  executionTimeout: '5m',
  fn: async (input: Keyed, ctx) => {
    const one = await ctx.spawnChild<any, any>(child as any, { key: input.key, n: 1 });
    const two = await ctx.spawnChild<any, any>(child as any, { key: input.key, n: 2 });
    mark(input.key, 'done', ctx.invocationCount);
    return { squares: [one.square, two.square] };
  },
});

export const mixed = hatchet.workflow<Keyed>({ name: 'mixed' });
const plain = mixed.task({ name: 'plain', fn: async () => ({ value: 1 }) });
mixed.durableTask({
  name: 'durable',
  parents: [plain],
  executionTimeout: '5m',
  fn: async (_, ctx) => {
    const before = (await ctx.parentOutput(plain)) as any;
    await ctx.sleepFor('1s');
    return { value: before.value + 1 };
  },
});

// Served by a worker with one durable slot.
export const crowded = hatchet.durableTask({
  name: 'crowded',
  executionTimeout: '5m',
  evictionPolicy: { allowCapacityEviction: true, priority: 0 },
  fn: async (input: Keyed & { n: number }, ctx) => {
    mark(input.key, 'begin', { n: input.n, invocation: ctx.invocationCount });
    await ctx.sleepFor('4s');
    return { n: input.n };
  },
});

// Served by workers that come and go.
// The SDK fails a task that asks for a wait just when the connection breaks, hence retries.
export const wandering = hatchet.durableTask({
  name: 'wandering',
  executionTimeout: '5m',
  retries: 3,
  fn: async (input: Keyed, ctx) => {
    mark(input.key, 'begin', ctx.invocationCount);
    const heard = await ctx.waitForEvent(`compat:durable:${input.key}`);
    return { heard, invocation: ctx.invocationCount } as any;
  },
});

export const plainTask = hatchet.task({
  name: 'plain-task',
  fn: async (input: Keyed & { ms: number }, ctx) => {
    mark(input.key, 'begin', { pid: process.pid, retry: ctx.retryCount() });
    await pause(input.ms, ctx.abortController.signal);
    mark(input.key, 'end');
    return { pid: process.pid, retry: ctx.retryCount() };
  },
});

/** Ends in the process that is alive when the scenario says so. */
export const outlasting = hatchet.task({
  name: 'outlasting',
  executionTimeout: '3m',
  fn: async (input: Keyed, ctx) => {
    mark(input.key, 'begin', ctx.retryCount());
    await until('the scenario to let go', () => steps(input.key, 'let go').length > 0, { timeout: 120_000 });
    return { retry: ctx.retryCount() };
  },
});

export const flows = [
  sleeper, hearer, chooser, demanding, punctual, durableParent, durableWorrier, leaving, leavingForEvent, fickle,
  stepwise, mixed,
];
export const wanderers = [wandering, sleeper, plainTask, outlasting];
