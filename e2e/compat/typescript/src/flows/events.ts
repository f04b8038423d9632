import { hatchet } from '../client';
import { mark } from '../harness/trail';

const note = async (input: any, ctx: any) => {
  mark(input.key, ctx.taskName(), {
    run: ctx.workflowRunId(),
    metadata: ctx.additionalMetadata(),
    filter: ctx.filterPayload(),
    event: ctx.triggeringEventId?.(),
    eventKey: ctx.triggeringEventKey?.(),
    n: input.n,
  });
  return { ok: true };
};

export const onSignup = hatchet.task({ name: 'on-signup', onEvents: ['compat:signup'], fn: note });

export const onSignupToo = hatchet.task({ name: 'on-signup-too', on: { event: 'compat:signup' }, fn: note });

export const onAnything = hatchet.task({ name: 'on-anything', onEvents: ['compat:wild:*'], fn: note });

export const filtered = hatchet.task({ name: 'filtered', onEvents: ['compat:filtered'], fn: note });

export const declared = hatchet.task({
  name: 'declared',
  onEvents: ['compat:declared'],
  defaultFilters: [{ scope: 'gold', expression: 'input.n > 10', payload: { tier: 'gold' } }],
  fn: note,
});

export const pusher = hatchet.task({
  name: 'pusher',
  fn: async (input: { key: string }) => {
    const event = await hatchet.events.push('compat:signup', { key: input.key, n: 9 });
    return { event: event.eventId };
  },
});

export const flows = [onSignup, onSignupToo, onAnything, filtered, declared, pusher];
