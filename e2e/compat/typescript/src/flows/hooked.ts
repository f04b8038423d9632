// Programs whose client has hooks, a namespace or traces. Each is served by a worker of its own.

import { HatchetClient } from '@hatchet-dev/typescript-sdk/v1';

export const hookedClient = HatchetClient.init().withMiddleware({
  before: (input: any) => ({ ...input, user: 'ann' }),
  after: (output: any) => ({ ...output, checked: true }),
});

export const hooked = hookedClient.task({
  name: 'hooked',
  fn: async (input: any) => ({ user: input.user, said: input.said }),
});

export const spacedClient = HatchetClient.init({ namespace: 'Team-A' } as any);

export const spaced = spacedClient.task({
  name: 'spaced',
  onEvents: ['compat:spaced'],
  fn: async (input: { key: string }, ctx) => {
    const { mark } = await import('../harness/trail');
    mark(input.key, 'ran', ctx.workflowNameV1?.() ?? '');
    return { ok: true };
  },
});
