import { z } from 'zod';
import { hatchet } from '../client';
import { pause } from '../harness/until';

export const greet = hatchet.task({
  name: 'greet',
  fn: async (input: { name: string }) => ({ text: `hello ${input.name}` }),
});

export const echo = hatchet.task({ name: 'echo', fn: async (input: any) => input });

/** Gives back the part of its input that is no object, as its whole output. */
export const bare = hatchet.task({ name: 'bare', fn: async (input: { value: any }) => input.value });

export const slow = hatchet.task({
  name: 'slow',
  fn: async (input: { ms: number }, ctx) => {
    await pause(input.ms, ctx.abortController.signal);
    return { slept: input.ms };
  },
});

export const about = hatchet.task({
  name: 'About.Self-1',
  fn: async (_: { key: string }, ctx) => ({
    run: ctx.workflowRunId(),
    task: ctx.taskRunExternalId(),
    name: ctx.taskName(),
    workflow: ctx.workflowId(),
    version: ctx.workflowVersionId(),
    retry: ctx.retryCount(),
    metadata: ctx.additionalMetadata(),
    priority: ctx.priority(),
  }),
});

export const order = hatchet.task({
  name: 'order',
  inputValidator: z.object({ item: z.string(), count: z.number().int().min(1) }),
  fn: async (input: { item: string; count: number }) => ({ total: input.count }),
});

export const flows = [greet, echo, bare, slow, about, order];
