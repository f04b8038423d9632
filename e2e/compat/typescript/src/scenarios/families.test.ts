import { describe, expect } from 'vitest';
import { hatchet } from '../client';
import {
  bulkParent, countedParent, forgetful, grandparent, keyedParent, lavishParent, parent, worriedParent,
} from '../flows/families';
import { ended, idOf } from '../harness/runs';
import { scenario } from '../harness/scenario';
import { steps } from '../harness/trail';

const childrenOf = async (id: string) => (await hatchet.runs.list({ parentTaskExternalId: id })).rows;

describe('children', () => {
  scenario('children asked for together give their outputs in order', {}, async (key) => {
    const ref = await bulkParent.runNoWait({ key, n: 30 });
    expect(await ref.output).toEqual({ squares: Array.from({ length: 30 }, (_, n) => n * n) });
    expect(await childrenOf(await idOf(ref))).toHaveLength(30);
  });

  scenario('a child knows its parent, and is recorded with it', {}, async (key) => {
    const ref = await parent.runNoWait({ key, n: 2 });
    const id = await idOf(ref);
    expect((await ref.output).parents).toEqual([id, id]);
    for (const row of await childrenOf(id)) {
      expect(row.additionalMetadata).toMatchObject({ hatchet__parent_step_run_id: id });
      expect((await hatchet.runs.get(row.workflowRunExternalId!)).run.parentTaskExternalId).toBe(id);
    }
  });

  scenario('children of the same key are one, also when the parent is retried', {}, async (key) => {
    const result = await keyedParent.run({ key });
    const tries = steps(key, 'ids').map((step) => step.data);
    expect(tries).toHaveLength(2);
    expect(new Set(tries.flat()).size).toBe(1);
    expect(result.squares).toEqual([1, 1]);
    expect(steps(key, 'child')).toHaveLength(1);
  });

  scenario('children without a key are told apart by their place, also when the parent is retried', {}, async (key) => {
    const result = await countedParent.run({ key });
    const tries = steps(key, 'ids').map((step) => step.data);
    expect(tries).toHaveLength(2);
    expect(tries[0]).toEqual(tries[1]);
    expect(new Set(result.ids).size).toBe(2);
  });

  scenario('a parent sees why its child failed', {}, async (key) => {
    expect((await worriedParent.run({ key })).error).toContain('child -1 failed');
  });

  scenario('a child inherits the metadata of its parent, and its own come first', {}, async (key) => {
    const result = await lavishParent.run({ key }, { additionalMetadata: { color: 'blue', shape: 'round' } });
    expect(result.own).toMatchObject({ color: 'blue', shape: 'round' });
    expect(result.given).toMatchObject({ color: 'red', shape: 'round', size: 'xl' });
  });

  scenario('children may have children', {}, async (key) => {
    expect(await grandparent.run({ key })).toEqual({ squares: [[1], [1, 4]] });
  });

  scenario('a child that nobody waits for runs on when its parent has ended', {}, async (key) => {
    const { child } = await forgetful.run({ key });
    expect((await ended(child, 'COMPLETED')).run.output).toMatchObject({ square: 49 });
  });
});
