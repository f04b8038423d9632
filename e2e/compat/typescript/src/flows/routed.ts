import { hatchet } from '../client';
import { has } from '../harness/features';
import { mark, steps } from '../harness/trail';
import { pause, until } from '../harness/until';

type Keyed = { key: string; n?: number };

const where = async (input: Keyed, ctx: any) => {
  mark(input.key, 'ran', { worker: ctx.worker.id(), n: input.n, priority: ctx.priority() });
  return { worker: ctx.worker.id() as string };
};

// Each of these is served by two workers that the scenarios start.
export const anywhere = hatchet.task({ name: 'anywhere', fn: where });

export const inEurope = hatchet.task({
  name: 'in-europe',
  desiredWorkerLabels: { region: { value: 'eu', required: true } },
  fn: where,
});

export const bigMemory = hatchet.task({
  name: 'big-memory',
  desiredWorkerLabels: { memory: { value: 100, required: true, comparator: 2 as any } },
  fn: where,
});

export const preferEurope = hatchet.task({
  name: 'prefer-europe',
  desiredWorkerLabels: { region: { value: 'eu', weight: 200 } },
  fn: where,
});

export const homeless = hatchet.task({
  name: 'homeless',
  scheduleTimeout: '2s',
  desiredWorkerLabels: { region: { value: 'mars', required: true } },
  fn: where,
});

export const stickyChild = hatchet.task({ name: 'sticky-child', sticky: 'soft', fn: where });

export const stickyParent = hatchet.task({
  name: 'sticky-parent',
  fn: async (input: Keyed, ctx) => {
    const children = await Promise.all(
      Array.from({ length: 5 }, (_, n) =>
        ctx.runChild<any, any>(stickyChild as any, { key: `${input.key}-child`, n }, { sticky: true }),
      ),
    );
    return { worker: ctx.worker.id()!, children: children.map((child) => child.worker) };
  },
});

export const stickyGraph = hatchet.workflow<Keyed>({ name: 'sticky-graph', sticky: 'hard' });
const begin = stickyGraph.task({ name: 'begin', fn: where });
const middle = stickyGraph.task({ name: 'middle', parents: [begin], fn: where });
stickyGraph.task({ name: 'end', parents: [middle], fn: where });

export const moving = hatchet.task({
  name: 'moving',
  desiredWorkerLabels: { model: { value: 'new', required: true } },
  fn: where,
});

/** Gives its worker a label that another task asks for. */
export const relabel = hatchet.task({
  name: 'relabel',
  fn: async (_: Keyed, ctx) => {
    await ctx.worker.upsertLabels({ model: 'new' });
    return { worker: ctx.worker.id()! };
  },
});

export const routed = [
  anywhere, inEurope, bigMemory, preferEurope, homeless, stickyChild, stickyParent, stickyGraph, moving, relabel,
];

// The rest is served by a worker with one or two slots.
export const narrow = hatchet.task({
  name: 'narrow',
  fn: async (input: Keyed, ctx) => {
    mark(input.key, 'begin', { n: input.n, priority: ctx.priority() });
    await pause(300, ctx.abortController.signal);
    mark(input.key, 'end', { n: input.n });
    return { n: input.n ?? 0 };
  },
});

/** Holds the slot until the scenario lets go. */
export const blocker = hatchet.task({
  name: 'blocker',
  fn: async (input: Keyed) => {
    mark(input.key, 'blocking');
    await until('the scenario to let go', () => steps(input.key, 'let go').length > 0);
    return { ok: true };
  },
});

export const urgent = hatchet.task({
  name: 'urgent',
  defaultPriority: 3,
  fn: async (input: Keyed, ctx) => {
    mark(input.key, 'begin', { n: input.n, priority: ctx.priority() });
    return { ok: true };
  },
});

export const generous = hatchet.task({
  name: 'generous',
  fn: async (input: Keyed, ctx) => {
    mark(input.key, 'begin', { n: input.n });
    await ctx.releaseSlot();
    await until('all of us', () => steps(input.key, 'begin').length >= 4);
    return { ok: true };
  },
});

export const heavy = hatchet.task({
  name: 'heavy',
  ...(has('slotCost') ? { slotCost: 2 } : {}),
  fn: async (input: Keyed, ctx) => {
    mark(input.key, 'begin', { n: input.n });
    await pause(300, ctx.abortController.signal);
    mark(input.key, 'end', { n: input.n });
    return { ok: true };
  },
});

export const narrowFlows = [narrow, blocker, urgent];
export const pairFlows = [generous, heavy];
