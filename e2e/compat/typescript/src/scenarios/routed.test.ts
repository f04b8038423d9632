// Which worker runs a task, and when: with two workers apart from the common one.

import { afterAll, beforeAll, describe, expect } from 'vitest';
import { hatchet } from '../client';
import {
  anywhere, bigMemory, blocker, generous, heavy, homeless, inEurope, moving, narrow, preferEurope, relabel,
  stickyGraph, stickyParent, urgent,
} from '../flows/routed';
import { Program } from '../harness/program';
import { counted, ended, status } from '../harness/runs';
import { scenario } from '../harness/scenario';
import { mark, peak, steps } from '../harness/trail';
import { until } from '../harness/until';

let european: Program;
let american: Program;
let single: Program;
let pair: Program;

beforeAll(async () => {
  [european, american, single, pair] = await Promise.all([
    Program.start({ set: 'routed', name: 'european', labels: { region: 'eu', memory: 64 } }),
    Program.start({ set: 'routed', name: 'american', labels: { region: 'us', memory: 256 } }),
    Program.start({ set: 'narrow', slots: 1 }),
    Program.start({ set: 'pair', slots: 2 }),
  ]);
});
afterAll(() => Promise.all([european, american, single, pair].map((program) => program?.kill())));

const many = (key: string, n = 8) => Array.from({ length: n }, (_, i) => ({ key, n: i }));
const workersOf = (results: any[]) => new Set(results.map((result) => result.worker));

// With the only slot taken, what is asked for in the meantime is ordered before it can begin.
async function whileBlocked(key: string, ask: () => Promise<any>) {
  const blocking = await blocker.runNoWait({ key }, { priority: 3 });
  await until('the slot to be taken', () => steps(key, 'blocking').length > 0);
  const refs = [await ask()].flat();
  mark(key, 'let go');
  await Promise.all([blocking, ...refs].map((ref) => ref.output));
}

describe('routing', () => {
  scenario('a task that asks for nothing runs on any worker', {}, async (key) => {
    expect(await workersOf(await anywhere.run(many(key, 20)))).toEqual(new Set([european.workerId, american.workerId]));
  });

  scenario('a task runs only where the label is that it requires', {}, async (key) => {
    expect(workersOf(await inEurope.run(many(key)))).toEqual(new Set([european.workerId]));
  });

  scenario('a task runs only where a label is greater than it says', {}, async (key) => {
    expect(workersOf(await bigMemory.run(many(key)))).toEqual(new Set([american.workerId]));
  });

  scenario('a task goes to the worker that it prefers', {}, async (key) => {
    expect(workersOf(await preferEurope.run(many(key)))).toEqual(new Set([european.workerId]));
  });

  scenario('a run can say which worker it wants', {}, async (key) => {
    const wish = { desiredWorkerLabels: { region: { value: 'us', required: true } } };
    expect(workersOf(await anywhere.run(many(key), wish as any))).toEqual(new Set([american.workerId]));
  });

  scenario('a task that no worker may run is cancelled when its time to wait is over', {}, async (key) => {
    const details = await ended(await homeless.runNoWait({ key }), 'CANCELLED');
    expect(counted(details)).toMatchObject({ SCHEDULING_TIMED_OUT: 1 });
  });

  scenario('a task begins to run where a label comes to be', {}, async (key) => {
    const ref = await moving.runNoWait({ key });
    const { worker } = await relabel.run({ key });
    expect((await ref.output).worker).toBe(worker);
    const read = await hatchet.workers.get(worker);
    expect(read.labels).toContainEqual(expect.objectContaining({ key: 'model', value: 'new' }));
  });

  scenario('sticky children run where their parent does', {}, async (key) => {
    const result = await stickyParent.run({ key });
    expect(new Set(result.children)).toEqual(new Set([result.worker]));
  });

  scenario('all steps of a sticky graph run on one worker', {}, async (key) => {
    for (const result of (await stickyGraph.run(many(key, 4))) as any[]) {
      expect(result.middle.worker).toBe(result.begin.worker);
      expect(result.end.worker).toBe(result.begin.worker);
    }
  });
});

describe.sequential('order and slots', () => {
  scenario('what has a higher priority begins first', {}, async (key) => {
    await whileBlocked(key, () =>
      narrow.runManyNoWait([1, 2, 3, 1, 2, 3].map((priority, n) => ({ input: { key, n }, opts: { priority } }))));
    expect(steps(key, 'begin').map((step) => step.data.priority)).toEqual([3, 3, 2, 2, 1, 1]);
  });

  scenario('what has the same priority begins in the order it came', {}, async (key) => {
    await whileBlocked(key, () => narrow.runNoWait(many(key, 5)));
    expect(steps(key, 'begin').map((step) => step.data.n)).toEqual([0, 1, 2, 3, 4]);
  });

  scenario('a workflow may have a priority of its own', {}, async (key) => {
    await whileBlocked(key, async () => [
      await urgent.runNoWait({ key, n: 1 }, { priority: 1 }), await urgent.runNoWait({ key, n: 2 }),
    ]);
    expect(steps(key, 'begin').map((step) => step.data)).toEqual([{ n: 2, priority: 3 }, { n: 1, priority: 1 }]);
  });

  scenario('a worker with one slot runs one task at a time', {}, async (key) => {
    await narrow.run(many(key, 4));
    expect(peak(key)).toBe(1);
  });

  scenario('a paused worker gets nothing until it goes on', {}, async (key) => {
    await hatchet.workers.pause(single.workerId);
    expect(await hatchet.workers.isPaused(single.workerId)).toBe(true);
    const ref = await narrow.runNoWait({ key });
    await until('the worker to be PAUSED', async () => (await hatchet.workers.get(single.workerId)).status === 'PAUSED');
    expect(await status(ref)).toBe('QUEUED');
    await hatchet.workers.unpause(single.workerId);
    await ref.output;
  });

  scenario('a task that lets its slot go makes room while it goes on', {}, async (key) => {
    const refs = await generous.runNoWait(many(key, 4));
    for (const ref of refs) expect(counted(await ended(ref, 'COMPLETED')).SLOT_RELEASED).toBe(1);
    expect(steps(key, 'begin')).toHaveLength(4);
  });

  scenario('a task that costs two slots takes the room of two', { needs: 'slotCost' }, async (key) => {
    await heavy.run(many(key, 3));
    expect(peak(key)).toBe(1);
  });

  scenario('a worker tells its slots', {}, async () => {
    const worker: any = await hatchet.workers.get(pair.workerId);
    expect(worker).toMatchObject({ name: 'pair', status: 'ACTIVE', slotConfig: { default: { limit: 2 } } });
  });
});
