import { hatchet } from '../client';
import { mark, steps } from '../harness/trail';
import { until } from '../harness/until';

type Keyed = { key: string };

/** Streams once the scenario says that it listens: a stream does not repeat its past. */
export const streaming = hatchet.task({
  name: 'streaming',
  fn: async (input: Keyed & { chunks: number }, ctx) => {
    mark(input.key, 'begin');
    await until('the listener', () => steps(input.key, 'listening').length > 0);
    for (let i = 0; i < input.chunks; i++) await ctx.putStream(`chunk ${i};`);
    await until('the end', () => steps(input.key, 'enough').length > 0);
    return { sent: input.chunks };
  },
});

export const logging = hatchet.task({
  name: 'logging',
  retries: 1,
  fn: async (input: Keyed, ctx) => {
    await ctx.logger.info(`starting ${input.key}`, { step: 1 });
    await ctx.logger.debug('a detail');
    await ctx.logger.warn('something is odd');
    await ctx.logger.error('something is wrong');
    if (ctx.retryCount() === 0) throw new Error('once more');
    await ctx.logger.info('done at last');
    return { ok: true };
  },
});

export const flows = [streaming, logging];
