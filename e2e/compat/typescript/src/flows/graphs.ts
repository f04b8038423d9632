import { Or, SleepCondition, UserEventCondition } from '@hatchet-dev/typescript-sdk/v1';
import { hatchet } from '../client';
import { mark } from '../harness/trail';
import { pause } from '../harness/until';

type Keyed = { key: string };

export const diamond = hatchet.workflow<Keyed & { value: number }>({ name: 'diamond' });
const top = diamond.task({ name: 'top', fn: async (input) => ({ value: input.value }) });
const left = diamond.task({
  name: 'left',
  parents: [top],
  fn: async (_, ctx) => ({ value: ((await ctx.parentOutput(top)) as any).value + 1 }),
});
const right = diamond.task({
  name: 'right',
  parents: [top],
  fn: async (_, ctx) => ({ value: ((await ctx.parentOutput(top)) as any).value * 10 }),
});
diamond.task({
  name: 'bottom',
  parents: [left, right],
  fn: async (_, ctx) => ({
    sum: ((await ctx.parentOutput(left)) as any).value + ((await ctx.parentOutput(right)) as any).value,
  }),
});

/** Takes the left or the right way by what the start said. */
export const branching = hatchet.workflow<Keyed & { number: number }>({ name: 'branching' });
const start = branching.task({ name: 'start', fn: async (input) => ({ number: input.number }) });
const low = branching.task({
  name: 'low',
  parents: [start],
  skipIf: [{ parent: start, expression: 'output.number > 50' }],
  fn: async () => ({ way: 'low' }),
});
const high = branching.task({
  name: 'high',
  parents: [start],
  skipIf: [{ parent: start, expression: 'output.number <= 50' }],
  fn: async () => ({ way: 'high' }),
});
branching.task({
  name: 'join',
  parents: [low, high],
  fn: async (_, ctx) => ({ low: await ctx.parentOutput(low), high: await ctx.parentOutput(high) }) as any,
});
branching.task({ name: 'below', parents: [low], fn: async () => ({ ran: true }) });

export const cancelling = hatchet.workflow<Keyed & { stop: boolean }>({ name: 'cancelling' });
const decide = cancelling.task({ name: 'decide', fn: async (input) => ({ stop: input.stop }) });
const stopped = cancelling.task({
  name: 'stopped',
  parents: [decide],
  cancelIf: [{ parent: decide, expression: 'output.stop == true' }],
  fn: async () => ({ ran: true }),
});
cancelling.task({ name: 'after', parents: [stopped], fn: async () => ({ ran: true }) });

export const waiting = hatchet.workflow<Keyed>({ name: 'waiting' });
const ready = waiting.task({
  name: 'ready',
  fn: async (input) => {
    mark(input.key, 'ready');
    return { ok: true };
  },
});
waiting.task({
  name: 'slept',
  parents: [ready],
  waitFor: [new SleepCondition('2s', 'nap')],
  fn: async (input, ctx) => {
    mark(input.key, 'slept');
    return { triggers: ctx.triggers() } as any;
  },
});

export const listening = hatchet.workflow<Keyed>({ name: 'listening' });
const prepared = listening.task({ name: 'prepared', fn: async () => ({ ok: true }) });
listening.task({
  name: 'heard',
  parents: [prepared],
  waitFor: [new UserEventCondition('compat:heard', "input.kind == 'yes'", 'news')],
  fn: async (_, ctx) => ({ triggers: ctx.triggers() }) as any,
});

export const either = hatchet.workflow<Keyed>({ name: 'either' });
const begun = either.task({ name: 'begun', fn: async () => ({ ok: true }) });
either.task({
  name: 'decided',
  parents: [begun],
  waitFor: Or({ sleepFor: '60s' }, { eventKey: 'compat:either' }),
  fn: async (input) => {
    mark(input.key, 'decided');
    return { ok: true };
  },
});

export const skippedByEvent = hatchet.workflow<Keyed>({ name: 'skipped-by-event' });
const base = skippedByEvent.task({ name: 'base', fn: async () => ({ ok: true }) });
skippedByEvent.task({
  name: 'maybe',
  parents: [base],
  waitFor: [{ sleepFor: '60s' }],
  skipIf: [{ eventKey: 'compat:skip' }],
  fn: async () => ({ ran: true }),
});

/** Two roots of different length, to be looked at while it runs. */
export const watched = hatchet.workflow<Keyed>({ name: 'watched' });
const quick = watched.task({ name: 'quick', fn: async () => ({ ok: true }) });
const slow = watched.task({
  name: 'slow',
  fn: async (input, ctx) => {
    mark(input.key, 'begin');
    await pause(2_000, ctx.abortController.signal);
    return { ok: true };
  },
});
watched.task({ name: 'last', parents: [quick, slow], fn: async () => ({ ok: true }) });

export const tattered = hatchet.workflow<Keyed>({ name: 'tattered' });
const torn = tattered.task({
  name: 'torn',
  fn: async (): Promise<{ ok: boolean }> => {
    throw new Error('torn apart');
  },
});
tattered.task({ name: 'whole', fn: async () => ({ ok: true }) });
tattered.task({
  name: 'beyond',
  parents: [torn],
  fn: async (input) => {
    mark(input.key, 'beyond');
    return { ok: true };
  },
});

export const flows = [diamond, branching, cancelling, waiting, listening, either, skippedByEvent, watched, tattered];
