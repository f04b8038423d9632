import { hatchet } from '../client';
import { mark } from '../harness/trail';

export const later = hatchet.task({
  name: 'later',
  fn: async (input: { key: string }, ctx) => {
    mark(input.key, 'ran', { metadata: ctx.additionalMetadata(), priority: ctx.priority(), run: ctx.workflowRunId() });
    return { ok: true };
  },
});

/** Ticks each second, from the moment a worker declares it. */
export const ticking = hatchet.task({
  name: 'ticking',
  onCrons: ['* * * * * *'],
  fn: async (_: any, ctx) => {
    mark('ticking', 'tick', ctx.additionalMetadata());
    return { ok: true };
  },
});

export const flows = [later, ticking];
