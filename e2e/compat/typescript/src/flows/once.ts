import { hatchet } from '../client';
import { mark, steps } from '../harness/trail';
import { until } from '../harness/until';

type Keyed = { key: string };

export const onceInAWhile = hatchet.task({
  name: 'once-in-a-while',
  idempotency: { expression: 'input.key', strategy: 'ttl', ttlMs: 60_000 },
  fn: async (input: Keyed) => {
    mark(input.key, 'ran');
    return { ok: true };
  },
} as any) as any;

export const oneAtATime = hatchet.task({
  name: 'one-at-a-time',
  idempotency: { expression: 'input.key', strategy: 'status', fallbackTtlMs: 60_000 },
  fn: async (input: Keyed) => {
    mark(input.key, 'ran');
    await until('the scenario to let go', () => steps(input.key, 'let go').length > 0);
    return { ok: true };
  },
} as any) as any;

export const flows = [onceInAWhile, oneAtATime];
