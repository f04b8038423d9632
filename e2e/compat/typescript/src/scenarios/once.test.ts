import { describe, expect } from 'vitest';
import * as sdk from '@hatchet-dev/typescript-sdk/v1';
import { hatchet } from '../client';
import { onceInAWhile, oneAtATime } from '../flows/once';
import { ended, idOf, tag } from '../harness/runs';
import { scenario } from '../harness/scenario';
import { mark, steps } from '../harness/trail';

const { IdempotencyCollisionError, BulkTriggerIdempotencyCollisionError } = sdk as any;
const needs = 'idempotency' as const;
const failure = (promise: Promise<unknown>): Promise<any> => promise.then(() => undefined, (error) => error);

describe('idempotency', () => {
  scenario('a second run of a key is refused, with the id of the first', { needs }, async (key) => {
    const first = await onceInAWhile.runNoWait({ key });
    await first.output;
    const error = await failure(onceInAWhile.runNoWait({ key }));
    expect(error).toBeInstanceOf(IdempotencyCollisionError);
    expect(error.existingRunExternalId).toBe(await idOf(first));
    expect(steps(key, 'ran')).toHaveLength(1);
  });

  scenario('a key that is held while its run goes on is free when it has ended', { needs }, async (key) => {
    const first = await oneAtATime.runNoWait({ key });
    const error = await failure(oneAtATime.runNoWait({ key }));
    expect(error?.existingRunExternalId).toBe(await idOf(first));
    mark(key, 'let go');
    await ended(first, 'COMPLETED');
    expect(await oneAtATime.run({ key })).toEqual({ ok: true });
  });

  scenario('of many runs, those that collide are told, and the others begin', { needs }, async (key) => {
    const first = await onceInAWhile.runNoWait({ key: `${key}-a` });
    const inputs = ['a', 'b', 'c', 'b'].map((name) => ({ key: `${key}-${name}` }));
    const error = await failure(onceInAWhile.runNoWait(inputs));
    expect(error).toBeInstanceOf(BulkTriggerIdempotencyCollisionError);
    const begun: string[] = error.successfulWorkflowRunExternalIds;
    expect(begun).toHaveLength(2);
    expect(error.collisions).toHaveLength(2);
    expect(error.collisions.map((one: any) => one.existingRunExternalId)).toContain(await idOf(first));
    await Promise.all(begun.map((id) => ended(id, 'COMPLETED')));
    expect(steps(`${key}-b`, 'ran')).toHaveLength(1);
    expect(steps(`${key}-c`, 'ran')).toHaveLength(1);
  });

  scenario('runs are found by their key', { needs }, async (key) => {
    const ref = await onceInAWhile.runNoWait({ key }, tag(key));
    await ref.output;
    const since = new Date(Date.now() - 3_600_000).toISOString();
    const query = { since, only_tasks: false, idempotency_keys: [key] } as any;
    const { data } = await hatchet.api.v1WorkflowRunList(hatchet.tenantId, query);
    expect(data.rows.map((row) => row.workflowRunExternalId)).toEqual([await idOf(ref)]);
  });
});
