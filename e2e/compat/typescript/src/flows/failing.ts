import { NonRetryableError } from '@hatchet-dev/typescript-sdk/v1';
import { hatchet } from '../client';
import { mark } from '../harness/trail';
import { pause } from '../harness/until';

type Keyed = { key: string };

export const broken = hatchet.task({
  name: 'broken',
  fn: async (_: Keyed): Promise<{ ok: boolean }> => {
    throw new Error('the disk is full');
  },
});

export const flaky = hatchet.task({
  name: 'flaky',
  retries: 3,
  fn: async (input: Keyed & { failures: number }, ctx) => {
    mark(input.key, 'try', ctx.retryCount());
    if (ctx.retryCount() < input.failures) throw new Error(`attempt ${ctx.retryCount()} failed`);
    return { attempts: ctx.retryCount() + 1 };
  },
});

export const patient = hatchet.task({
  name: 'patient',
  retries: 2,
  backoff: { factor: 2, maxSeconds: 60 },
  fn: async (input: Keyed, ctx) => {
    mark(input.key, 'try', ctx.retryCount());
    if (ctx.retryCount() < 2) throw new Error('not yet');
    return { ok: true };
  },
});

export const hopeless = hatchet.task({
  name: 'hopeless',
  retries: 5,
  fn: async (input: Keyed): Promise<{ ok: boolean }> => {
    mark(input.key, 'try');
    throw new NonRetryableError('no use trying again');
  },
});

export const overtime = hatchet.task({
  name: 'overtime',
  executionTimeout: '3s',
  fn: async (input: Keyed, ctx) => {
    mark(input.key, 'try');
    await pause(20_000, ctx.abortController.signal).catch((error) => {
      mark(input.key, 'aborted');
      throw error;
    });
    return { ok: true };
  },
});

export const overtimeOnce = hatchet.task({
  name: 'overtime-once',
  executionTimeout: '3s',
  retries: 1,
  fn: async (_: Keyed, ctx) => {
    if (ctx.retryCount() === 0) await pause(20_000, ctx.abortController.signal);
    return { retry: ctx.retryCount() };
  },
});

export const extended = hatchet.task({
  name: 'extended',
  executionTimeout: '4s',
  fn: async (_: Keyed, ctx) => {
    await ctx.refreshTimeout('30s');
    await pause(5_000, ctx.abortController.signal);
    return { ok: true };
  },
});

export const rescued = hatchet.workflow<Keyed & { fail: boolean }>({ name: 'rescued' });
const first = rescued.task({
  name: 'first',
  fn: async (input) => {
    if (input.fail) throw new Error('the first step broke');
    return { ok: true };
  },
});
rescued.task({ name: 'second', parents: [first], fn: async () => ({ ok: true }) });
rescued.onFailure({
  fn: async (input, ctx) => {
    mark(input.key, 'rescue', ctx.errors());
    return { rescued: true };
  },
});

export const celebrated = hatchet.workflow<Keyed & { fail: boolean }>({ name: 'celebrated' });
celebrated.task({
  name: 'one',
  fn: async (input) => {
    if (input.fail) throw new Error('nothing to celebrate');
    return { value: 1 };
  },
});
celebrated.task({ name: 'two', fn: async () => ({ value: 2 }) });
celebrated.onSuccess({
  fn: async (input, ctx) => {
    mark(input.key, 'celebrate', [await ctx.parentOutput('one'), await ctx.parentOutput('two')]);
    return { celebrated: true };
  },
});

export const flows = [broken, flaky, patient, hopeless, overtime, overtimeOnce, extended, rescued, celebrated];
