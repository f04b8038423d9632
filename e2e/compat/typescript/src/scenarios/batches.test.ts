import { describe, expect } from 'vitest';
import { hatchet } from '../client';
import { batches } from '../flows/batches';
import { ended, idOf, rejection } from '../harness/runs';
import { scenario } from '../harness/scenario';
import { steps } from '../harness/trail';
import { until } from '../harness/until';

const items = (key: string, n: number) => Array.from({ length: n }, (_, i) => ({ key, n: i }));
const needs = 'batches' as const;

describe('batches', () => {
  scenario('a batch goes when it is full, and each item gets its own output', { needs }, async (key) => {
    const results = await batches!.filled.run(items(key, 3));
    expect(results).toEqual([0, 1, 2].map((n) => ({ n, size: 3 })));
    expect(steps(key, 'batch')).toHaveLength(1);
  });

  scenario('a batch that does not fill goes when its time is over', { needs }, async (key) => {
    const from = Date.now();
    expect(await batches!.prompt.run(items(key, 2))).toEqual([0, 1].map((n) => ({ n, size: 2 })));
    expect(Date.now() - from).toBeGreaterThanOrEqual(900);
    expect(Date.now() - from).toBeLessThan(30_000);
  });

  scenario('only items of the same group share a batch', { needs }, async (key) => {
    const of = (group: string) => ({ key, n: 0, group: `${key}-${group}` });
    const results = await batches!.grouped.run([of('a'), of('b'), of('a'), of('b')]);
    expect(results.map((result: any) => result.groups)).toEqual(
      ['a', 'b', 'a', 'b'].map((group) => [`${key}-${group}`]));
  });

  scenario('an item of a batch that waits is QUEUED, and can be cancelled', { needs }, async (key) => {
    const ref = await batches!.filled.runNoWait({ key, n: 0 });
    const id = await idOf(ref);
    await until('the item to wait', async () =>
      (await hatchet.runs.get(id)).taskEvents.some((event: any) => event.eventType === 'WAITING_FOR_BATCH'));
    await ref.cancel();
    await ended(ref, 'CANCELLED');
    expect(steps(key, 'batch')).toHaveLength(0);
  });

  scenario('when a batch fails, so does each of its items', { needs }, async (key) => {
    const refs = await batches!.spoiled.runNoWait(items(key, 2));
    for (const ref of refs) expect(await rejection(ref.output)).toContain('the whole batch is spoiled');
  });
});
