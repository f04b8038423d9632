import { afterAll, beforeAll, describe, expect } from 'vitest';
import { hatchet } from '../client';
import {
  chooser, crowded, demanding, durableParent, durableWorrier, fickle, hearer, leaving, leavingForEvent, mixed,
  punctual, sleeper, stepwise,
} from '../flows/durable';
import { Program } from '../harness/program';
import { counted, ended, idOf, rejection, status } from '../harness/runs';
import { scenario } from '../harness/scenario';
import { steps } from '../harness/trail';
import { until } from '../harness/until';

const eventOf = (key: string) => `compat:durable:${key}`;
const begun = (key: string, times = 1) => until('the task to begin', () => steps(key, 'begin').length >= times);

// A wait counts events from its registration on, which is shortly after the task began.
async function pushUntilDone(ref: any, key: string, payload: any, options: any = {}) {
  const id = await idOf(ref);
  await until('the event to be heard', async () => {
    await hatchet.events.push(eventOf(key), payload, options);
    return (await hatchet.runs.get_status(id)) === 'COMPLETED';
  }, { every: 500 });
}

async function evicted(ref: any): Promise<string> {
  const id = await idOf(ref);
  await until('the task to be evicted', async () => (await hatchet.runs.get(id)).tasks[0]?.isEvicted);
  return id;
}

describe('durable tasks', () => {
  scenario('a wait for an event ends with what the event brought', {}, async (key) => {
    const ref = await hearer.runNoWait({ key });
    await begun(key);
    await hatchet.events.push(eventOf(key), { amount: 1 });
    await pushUntilDone(ref, key, { amount: 20, from: 'ann' });
    expect(await ref.output).toEqual({ heard: { amount: 20, from: 'ann' } });
  });

  scenario('a wait in a scope hears no event of another', {}, async (key) => {
    const ref = await hearer.runNoWait({ key, scope: 'mine' });
    await begun(key);
    await hatchet.events.push(eventOf(key), { amount: 50 }, { scope: 'yours' });
    await hatchet.events.push(eventOf(key), { amount: 60 });
    await pushUntilDone(ref, key, { amount: 70 }, { scope: 'mine' });
    expect(await ref.output).toEqual({ heard: { amount: 70 } });
  });

  scenario('a wait that looks back hears an event of before', {}, async (key) => {
    await hatchet.events.push(eventOf(key), { amount: 33 }, { scope: 'past' });
    expect(await hearer.run({ key, scope: 'past', lookback: true })).toEqual({ heard: { amount: 33 } });
  });

  scenario('of two things waited for, the first is enough', {}, async (key) => {
    const ref = await chooser.runNoWait({ key });
    await begun(key);
    await pushUntilDone(ref, key, { chosen: true });
    expect((await ref.output).met.CREATE).toEqual({ event: [{ chosen: true }] });
  });

  scenario('of two things that are both needed, both come', {}, async (key) => {
    const ref = await demanding.runNoWait({ key });
    await begun(key);
    await pushUntilDone(ref, key, { came: true });
    expect((await ref.output).met.CREATE).toEqual({ nap: [{ sleep_duration: '1s' }], event: [{ came: true }] });
  });

  scenario('the time that a task was told stays the same when it is retried', {}, async (key) => {
    const result = await punctual.run({ key });
    expect(steps(key, 'now').map((step) => step.data)).toEqual([result.now, result.now]);
  });

  scenario('children of a retried task are not run again', {}, async (key) => {
    const ref = await durableParent.runNoWait({ key });
    expect(await ref.output).toEqual({ squares: [9, 16, 25] });
    expect(steps(key, 'spawned')).toHaveLength(2);
    expect(steps(key, 'child')).toHaveLength(3);
    expect((await hatchet.runs.list({ parentTaskExternalId: await idOf(ref) })).rows).toHaveLength(3);
  });

  scenario('a durable parent sees why its child failed', { needs: 'childErrors' }, async (key) => {
    expect((await durableWorrier.run({ key })).error).toContain('child -2 failed');
  });

  scenario('a durable step may stand in a graph', {}, async (key) => {
    expect(await mixed.run({ key })).toEqual({ plain: { value: 1 }, durable: { value: 2 } });
  });

  scenario('a task that leaves its slot while it sleeps comes back', {}, async (key) => {
    const ref = await leaving.runNoWait({ key, seconds: 5 });
    await evicted(ref);
    expect(await status(ref)).toBe('RUNNING');
    expect(await ref.output).toEqual({ invocation: 2 });
    const [first, second] = steps(key, 'begin');
    expect(second.at - first.at).toBeGreaterThanOrEqual(4_900);
    expect(steps(key, 'woke')).toHaveLength(1);
    const counts = counted(await ended(ref, 'COMPLETED'));
    expect(counts.DURABLE_EVICTED).toBeGreaterThanOrEqual(1);
    expect(counts.DURABLE_RESTORING).toBeGreaterThanOrEqual(1);
  });

  scenario('a task that left its slot comes back for its event', {}, async (key) => {
    const ref = await leavingForEvent.runNoWait({ key });
    await evicted(ref);
    await hatchet.events.push(eventOf(key), { found: true });
    expect(await ref.output).toEqual({ heard: { found: true }, invocation: 2 });
  });

  scenario('a task that left its slot can be brought back by hand', {}, async (key) => {
    const ref = await leavingForEvent.runNoWait({ key });
    const id = await evicted(ref);
    const { data } = await hatchet.runs.restoreTask(id);
    expect(data.requeued).toBe(true);
    await begun(key, 2);
    await hatchet.events.push(eventOf(key), { found: true });
    await pushUntilDone(ref, key, { found: true });
    expect(((await ref.output) as any).heard).toEqual({ found: true });
  });

  scenario('a task that left its slot can be cancelled', {}, async (key) => {
    const ref = await leavingForEvent.runNoWait({ key });
    await evicted(ref);
    await ref.cancel();
    await ended(ref, 'CANCELLED');
    expect(steps(key, 'begin')).toHaveLength(1);
  });

  scenario('a task that does other things when it comes back fails, and says so', {}, async (key) => {
    const ref = await fickle.runNoWait({ key });
    expect(await rejection(ref.output)).toMatch(/non-?determinism/i);
    await ended(ref, 'FAILED');
  });

  scenario('a durable run that is replayed keeps what it had', {}, async (key) => {
    const ref = await stepwise.runNoWait({ key });
    await ref.output;
    await ref.replay();
    await until('the replay', () => steps(key, 'done').length === 2);
    expect((await ended(ref, 'COMPLETED')).run.output).toEqual({ squares: [1, 4] });
    expect(steps(key, 'child')).toHaveLength(2);
  });

  scenario('a durable run can be done again from one of its steps on', {}, async (key) => {
    const ref = await stepwise.runNoWait({ key });
    await ref.output;
    const id = await idOf(ref);
    const { data } = await hatchet.runs.branchDurableTask(id, 2, 1);
    expect(data).toMatchObject({ taskExternalId: id, nodeId: 2, branchId: 2 });
    await until('the branch', () => steps(key, 'done').length === 2);
    expect((await ended(ref, 'COMPLETED')).run.output).toEqual({ squares: [1, 4] });
    expect(steps(key, 'child').map((step) => step.data)).toEqual([1, 2, 2]);
  });
});

describe('durable slots', () => {
  let worker: Program;
  beforeAll(async () => {
    worker = await Program.start({ set: 'crowded', slots: 1, durableSlots: 1 });
  });
  afterAll(() => worker?.kill());

  scenario('a waiting task makes room for another when slots are scarce', {}, async (key) => {
    const from = Date.now();
    await crowded.run([1, 2, 3].map((n) => ({ key, n })));
    expect(new Set(steps(key, 'begin').map((step) => step.data.n))).toEqual(new Set([1, 2, 3]));
    expect(Date.now() - from).toBeGreaterThanOrEqual(4_000);
  });
});
