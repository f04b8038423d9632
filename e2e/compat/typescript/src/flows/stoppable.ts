import { hatchet } from '../client';
import { mark } from '../harness/trail';
import { pause } from '../harness/until';

type Keyed = { key: string };

export const stoppable = hatchet.task({
  name: 'stoppable',
  fn: async (input: Keyed, ctx) => {
    mark(input.key, 'begin');
    await pause(30_000, ctx.abortController.signal).catch((error) => {
      mark(input.key, 'aborted');
      throw error;
    });
    return { ok: true };
  },
});

export const selfStopping = hatchet.task({
  name: 'self-stopping',
  fn: async (input: Keyed, ctx) => {
    await ctx.cancel();
    await pause(30_000, ctx.abortController.signal).catch((error) => {
      mark(input.key, 'aborted');
      throw error;
    });
    return { ok: true };
  },
});

/** Succeeds from the second time on that it is run with a key, replayed or not. */
export const secondTime = hatchet.task({
  name: 'second-time',
  fn: async (input: Keyed & { seen: string }) => {
    const { steps } = await import('../harness/trail');
    const before = steps(input.key, input.seen).length;
    mark(input.key, input.seen);
    if (before === 0) throw new Error('the first time fails');
    return { time: before + 1 };
  },
});

export const stoppableGraph = hatchet.workflow<Keyed>({ name: 'stoppable-graph' });
const long = stoppableGraph.task({
  name: 'long',
  fn: async (input, ctx) => {
    mark(input.key, 'begin');
    await pause(30_000, ctx.abortController.signal);
    return { ok: true };
  },
});
stoppableGraph.task({
  name: 'after',
  parents: [long],
  fn: async (input) => {
    mark(input.key, 'after');
    return { ok: true };
  },
});

export const flows = [stoppable, selfStopping, secondTime, stoppableGraph];
