import { hatchet } from '../client';
import { mark } from '../harness/trail';

type Keyed = { key: string };

export const child = hatchet.task({
  name: 'child',
  fn: async (input: Keyed & { n: number }, ctx) => {
    mark(input.key, 'child', input.n);
    if (input.n < 0) throw new Error(`child ${input.n} failed`);
    return { square: input.n * input.n, metadata: ctx.additionalMetadata(), parent: ctx.parentWorkflowRunId() ?? '' };
  },
});

export const parent = hatchet.task({
  name: 'parent',
  fn: async (input: Keyed & { n: number }) => {
    const results: any[] = [];
    for (let i = 1; i <= input.n; i++) results.push(await child.run({ key: input.key, n: i }));
    return { squares: results.map((result) => result.square), parents: results.map((result) => result.parent) };
  },
});

export const bulkParent = hatchet.task({
  name: 'bulk-parent',
  fn: async (input: Keyed & { n: number }, ctx) => {
    const children = Array.from({ length: input.n }, (_, n) => ({ workflow: child as any, input: { key: input.key, n } }));
    const results = await ctx.bulkRunChildren<any, any>(children);
    return { squares: results.map((result) => result.square) };
  },
});

export const keyedParent = hatchet.task({
  name: 'keyed-parent',
  retries: 1,
  fn: async (input: Keyed, ctx) => {
    const one = await child.runNoWait({ key: input.key, n: 1 }, { childKey: 'same' });
    const two = await child.runNoWait({ key: input.key, n: 2 }, { childKey: 'same' });
    const ids = [await one.getWorkflowRunId(), await two.getWorkflowRunId()];
    mark(input.key, 'ids', ids);
    if (ctx.retryCount() === 0) throw new Error('again');
    return { ids, squares: [(await one.output).square, (await two.output).square] };
  },
});

export const countedParent = hatchet.task({
  name: 'counted-parent',
  retries: 1,
  fn: async (input: Keyed, ctx) => {
    const refs = [await child.runNoWait({ key: input.key, n: 1 }), await child.runNoWait({ key: input.key, n: 2 })];
    const ids = await Promise.all(refs.map((ref) => ref.getWorkflowRunId()));
    mark(input.key, 'ids', ids);
    if (ctx.retryCount() === 0) throw new Error('again');
    return { ids };
  },
});

export const worriedParent = hatchet.task({
  name: 'worried-parent',
  fn: async (input: Keyed, ctx) => {
    try {
      await ctx.runChild<any, any>(child as any, { key: input.key, n: -1 });
      return { error: '' };
    } catch (error) {
      return { error: JSON.stringify(error instanceof Error ? error.message : error) };
    }
  },
});

export const lavishParent = hatchet.task({
  name: 'lavish-parent',
  fn: async (input: Keyed, ctx) => {
    const own = await ctx.runChild<any, any>(child as any, { key: input.key, n: 1 });
    const given = await ctx.runChild<any, any>(
      child as any,
      { key: input.key, n: 2 },
      { additionalMetadata: { color: 'red', size: 'xl' } },
    );
    return { own: own.metadata, given: given.metadata };
  },
});

export const grandparent = hatchet.task({
  name: 'grandparent',
  fn: async (input: Keyed) => {
    const results = await parent.run([
      { key: input.key, n: 1 },
      { key: input.key, n: 2 },
    ]);
    return { squares: results.map((result: any) => result.squares) };
  },
});

export const forgetful = hatchet.task({
  name: 'forgetful',
  fn: async (input: Keyed, ctx) => {
    const ref = await ctx.runNoWaitChild<any, any>(child as any, { key: input.key, n: 7 });
    return { child: await ref.getWorkflowRunId() };
  },
});

export const flows = [
  child, parent, bulkParent, keyedParent, countedParent, worriedParent, lavishParent, grandparent, forgetful,
];
