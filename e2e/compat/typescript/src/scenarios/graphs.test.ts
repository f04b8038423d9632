import { describe, expect } from 'vitest';
import { hatchet } from '../client';
import {
  branching, cancelling, diamond, either, listening, skippedByEvent, tattered, waiting, watched,
} from '../flows/graphs';
import { ended, idOf, rejection } from '../harness/runs';
import { scenario } from '../harness/scenario';
import { steps } from '../harness/trail';
import { until } from '../harness/until';

// An event counts from the moment that the step waits for it, so it is pushed until it is heard.
async function pushUntil(key: string, payload: any, heard: () => Promise<boolean>) {
  await until(`${key} to be heard`, async () => {
    await hatchet.events.push(key, payload);
    return heard();
  }, { every: 300 });
}

const isDone = (ref: any) => async () =>
  ['COMPLETED', 'FAILED', 'CANCELLED'].includes(await hatchet.runs.get_status(await idOf(ref)));

describe('graphs', () => {
  scenario('the shape of a graph is told with its run', {}, async (key) => {
    const ref = await diamond.runNoWait({ key, value: 1 });
    await ref.output;
    const details = await ended(ref, 'COMPLETED');
    expect(details.tasks).toHaveLength(4);
    const shape = Object.fromEntries(details.shape.map((item: any) => [item.taskName, item]));
    expect(Object.keys(shape).sort()).toEqual(['bottom', 'left', 'right', 'top']);
    expect(new Set(shape.top.childrenStepIds)).toEqual(new Set([shape.left.stepId, shape.right.stepId]));
    expect(shape.bottom.childrenStepIds).toEqual([]);
  });

  scenario('a step is skipped when its condition says so, and the other way is taken', {}, async (key) => {
    const low: any = await branching.run({ key, number: 10 });
    expect(low).toMatchObject({ low: { way: 'low' }, high: { skipped: true }, below: { ran: true } });
    expect(low.join).toEqual({ low: { way: 'low' }, high: { skipped: true } });
  });

  scenario('what comes only after a skipped step is skipped too', {}, async (key) => {
    const high: any = await branching.run({ key, number: 90 });
    expect(high).toMatchObject({ low: { skipped: true }, high: { way: 'high' }, below: { skipped: true } });
    expect(high.join).toEqual({ low: { skipped: true }, high: { way: 'high' } });
  });

  scenario('a step is cancelled when its condition says so, with what comes after it', {}, async (key) => {
    const details = await ended(await cancelling.runNoWait({ key, stop: true }), 'CANCELLED');
    const statuses = details.tasks.map((task: any) => task.status).sort();
    expect(statuses).toEqual(['CANCELLED', 'CANCELLED', 'COMPLETED']);
    expect(await cancelling.run({ key, stop: false })).toMatchObject({ stopped: { ran: true }, after: { ran: true } });
  });

  scenario('a step that waits for a while begins that much later', {}, async (key) => {
    const result: any = await waiting.run({ key });
    const [ready] = steps(key, 'ready');
    const [slept] = steps(key, 'slept');
    expect(slept.at - ready.at).toBeGreaterThanOrEqual(1_900);
    expect(result.slept.triggers.nap).toEqual({ sleep_duration: '2s' });
  });

  scenario('a step that waits for an event gets it', {}, async (key) => {
    const ref = await listening.runNoWait({ key });
    await hatchet.events.push('compat:heard', { kind: 'no', key });
    await pushUntil('compat:heard', { kind: 'yes', key }, isDone(ref));
    const result: any = await ref.output;
    expect(result.heard.triggers.news).toMatchObject({ kind: 'yes' });
  });

  scenario('of two conditions joined by or, one is enough', {}, async (key) => {
    const ref = await either.runNoWait({ key });
    await pushUntil('compat:either', { key }, isDone(ref));
    expect(steps(key, 'decided')).toHaveLength(1);
  });

  scenario('an event can skip a step that still waits', {}, async (key) => {
    const ref = await skippedByEvent.runNoWait({ key });
    await pushUntil('compat:skip', { key }, isDone(ref));
    expect(await ref.output).toMatchObject({ base: { ok: true }, maybe: { skipped: true } });
  });

  scenario('a failed step cancels what comes after it, and no other', {}, async (key) => {
    const ref = await tattered.runNoWait({ key });
    expect(await rejection(ref.output)).toContain('torn apart');
    const details = await ended(ref, 'FAILED');
    const byName = Object.fromEntries(details.tasks.map((task: any) => [task.displayName.replace(/-\d+$/, ''), task.status]));
    expect(byName).toEqual({ torn: 'FAILED', whole: 'COMPLETED', beyond: 'CANCELLED' });
    expect(steps(key, 'beyond')).toHaveLength(0);
  });

  scenario('a running graph can be looked at', { needs: 'details' }, async (key) => {
    const ref = await watched.runNoWait({ key });
    const id = await idOf(ref);
    await until('the slow step', () => steps(key, 'begin').length > 0);
    const during = await (hatchet.runs as any).getDetails(id);
    expect(during).toMatchObject({ status: 'RUNNING', done: false });
    expect(Object.keys(during.taskRuns).sort()).toEqual(['quick', 'slow']);
    await ref.output;
    const after = await (hatchet.runs as any).getDetails(id);
    expect(after).toMatchObject({ status: 'COMPLETED', done: true });
    expect(after.taskRuns.last).toMatchObject({ status: 'COMPLETED', output: { ok: true } });
  });

  scenario('a graph is one row in the list of runs, and its steps are in the list of tasks', {}, async (key) => {
    const ref = await diamond.runNoWait({ key, value: 1 }, { additionalMetadata: { key } });
    await ref.output;
    await ended(ref, 'COMPLETED');
    const runs = await hatchet.runs.list({ additionalMetadata: { key }, includePayloads: true });
    expect(runs.rows).toHaveLength(1);
    expect(runs.rows[0]).toMatchObject({ workflowRunExternalId: await idOf(ref), status: 'COMPLETED' });
    const tasks = await hatchet.runs.list({ additionalMetadata: { key }, onlyTasks: true });
    expect(tasks.rows).toHaveLength(4);
  });

  scenario('a replayed graph runs all its steps again', {}, async (key) => {
    const ref = await waiting.runNoWait({ key });
    await ref.output;
    await ref.replay();
    await until('both steps, twice', () => steps(key, 'ready').length === 2 && steps(key, 'slept').length === 2);
    await ended(ref, 'COMPLETED');
  });
});
