import { describe, expect } from 'vitest';
import { hatchet } from '../client';
import { secondTime, selfStopping, stoppable, stoppableGraph } from '../flows/stoppable';
import { echo } from '../flows/simple';
import { counted, ended, idOf, rejection, status, tag, tagged } from '../harness/runs';
import { has } from '../harness/features';
import { scenario } from '../harness/scenario';
import { steps } from '../harness/trail';
import { until } from '../harness/until';

describe('cancelling and replaying', () => {
  scenario('a task can cancel itself', {}, async (key) => {
    const ref = await selfStopping.runNoWait({ key });
    await ended(ref, 'CANCELLED');
    await until('the task to be told', () => steps(key, 'aborted').length > 0);
  });

  scenario('who waits for a cancelled run gets no output', {}, async (key) => {
    const ref = await stoppable.runNoWait({ key });
    await until('the task to begin', () => steps(key, 'begin').length > 0);
    const waiting = ref.output;
    waiting.catch(() => undefined); // it may fail before it is looked at
    await ref.cancel();
    if (has('cancelledIsEmpty')) expect(await waiting).toEqual({});
    else expect(await rejection(waiting)).toContain('task was cancelled');
  });

  scenario('cancelling a graph cancels what runs and what waits', {}, async (key) => {
    const ref = await stoppableGraph.runNoWait({ key });
    await until('the first step', () => steps(key, 'begin').length > 0);
    await ref.cancel();
    const details = await ended(ref, 'CANCELLED');
    expect(details.tasks.map((task: any) => task.status)).toEqual(['CANCELLED', 'CANCELLED']);
    expect(steps(key, 'after')).toHaveLength(0);
  });

  scenario('many runs are cancelled by their ids, and others are not', {}, async (key) => {
    const refs = await stoppable.runNoWait(Array.from({ length: 4 }, () => ({ key })), tag(key));
    const ids = await Promise.all(refs.map(idOf));
    await until('all to begin', () => steps(key, 'begin').length === 4);
    const { data } = await hatchet.runs.cancel({ ids: ids.slice(0, 3) });
    expect(new Set(data.ids)).toEqual(new Set(ids.slice(0, 3)));
    await Promise.all(ids.slice(0, 3).map((id) => ended(id, 'CANCELLED')));
    expect(await status(ids[3])).toBe('RUNNING');
    await hatchet.runs.cancel({ ids: [ids[3]] });
  });

  scenario('many runs are cancelled by a filter', {}, async (key) => {
    await stoppable.runNoWait(Array.from({ length: 3 }, () => ({ key })), tag(key));
    await until('all to begin', () => steps(key, 'begin').length === 3);
    await hatchet.runs.cancel({
      filters: { additionalMetadata: { key }, statuses: ['RUNNING', 'QUEUED'] as any, workflowNames: ['stoppable'] },
    });
    await until('all to be cancelled', async () =>
      (await tagged(key)).every((row) => row.status === 'CANCELLED'));
    expect(await tagged(key)).toHaveLength(3);
  });

  scenario('a replayed run runs again with its input, and has a new result', {}, async (key) => {
    const ref = await secondTime.runNoWait({ key, seen: 'one' });
    expect(await rejection(ref.output)).toContain('the first time fails');
    await ended(ref, 'FAILED');
    await ref.replay();
    await ended(ref, 'COMPLETED');
    expect(await ref.output).toEqual({ time: 2 });
    expect(counted(await hatchet.runs.get(ref))).toMatchObject({ RETRIED_BY_USER: 1 });
  });

  scenario('failed runs are replayed by a filter', {}, async (key) => {
    const inputs = ['a', 'b', 'c'].map((seen) => ({ key, seen }));
    const refs = await secondTime.runNoWait(inputs, tag(key));
    await Promise.all(refs.map((ref) => ended(ref, 'FAILED')));
    await hatchet.runs.replay({ filters: { additionalMetadata: { key }, statuses: ['FAILED'] as any } });
    await Promise.all(refs.map((ref) => ended(ref, 'COMPLETED')));
  });

  scenario('cancelling what has ended changes nothing', {}, async () => {
    const ref = await echo.runNoWait({ a: 1 });
    await ref.output;
    await ref.cancel();
    expect(await status(ref)).toBe('COMPLETED');
  });

  scenario('a run that was completed can be replayed', {}, async () => {
    const ref = await echo.runNoWait({ a: 1 });
    await ref.output;
    await ref.replay();
    await until('the second attempt', async () => counted(await hatchet.runs.get(ref)).FINISHED === 2);
    expect((await ended(ref, 'COMPLETED')).run.output).toEqual({ a: 1 });
  });
});
