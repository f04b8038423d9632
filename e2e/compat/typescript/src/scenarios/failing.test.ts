import { describe, expect } from 'vitest';
import { hatchet } from '../client';
import {
  broken, celebrated, extended, flaky, hopeless, overtime, overtimeOnce, patient, rescued,
} from '../flows/failing';
import { counted, ended, idOf, rejection } from '../harness/runs';
import { scenario } from '../harness/scenario';
import { steps } from '../harness/trail';
import { until } from '../harness/until';

describe('failures', () => {
  scenario('a task fails for good when its retries are used up', {}, async (key) => {
    const ref = await flaky.runNoWait({ key, failures: 9 });
    expect(await rejection(ref.output)).toContain('attempt 3 failed');
    expect(steps(key, 'try')).toHaveLength(4);
    const details = await ended(ref, 'FAILED');
    expect(counted(details)).toMatchObject({ RETRYING: 3, FAILED: 4 });
    expect(details.tasks[0].retryCount).toBe(3);
  });

  scenario('retries with backoff wait longer each time', {}, async (key) => {
    await patient.run({ key });
    const [first, second, third] = steps(key, 'try').map((step) => step.at);
    expect(second - first).toBeGreaterThanOrEqual(1_900);
    expect(third - second).toBeGreaterThanOrEqual(3_900);
  });

  scenario('an error that says so is not retried', {}, async (key) => {
    const ref = await hopeless.runNoWait({ key });
    expect(await rejection(ref.output)).toContain('no use trying again');
    await ended(ref, 'FAILED');
    expect(steps(key, 'try')).toHaveLength(1);
  });

  scenario('a task that takes too long fails, and is told', {}, async (key) => {
    const ref = await overtime.runNoWait({ key });
    expect(await rejection(ref.output)).toContain('exceeded timeout');
    await until('the task to be told', () => steps(key, 'aborted').length > 0);
    expect(counted(await ended(ref, 'FAILED'))).toMatchObject({ TIMED_OUT: 1 });
  });

  scenario('a task that took too long is retried', {}, async (key) => {
    expect(await overtimeOnce.run({ key })).toEqual({ retry: 1 });
  });

  scenario('a task may ask for more time', {}, async (key) => {
    const ref = await extended.runNoWait({ key });
    expect(await ref.output).toEqual({ ok: true });
    const counts = counted(await ended(ref, 'COMPLETED'));
    expect(counts).not.toHaveProperty('TIMED_OUT');
    expect(counts.TIMEOUT_REFRESHED).toBe(1);
  });

  scenario('when a step fails, the failure task is told why', {}, async (key) => {
    const ref = await rescued.runNoWait({ key, fail: true });
    expect(await rejection(ref.output)).toContain('the first step broke');
    const [step] = steps(key, 'rescue');
    expect(JSON.stringify(step.data.first)).toContain('the first step broke');
    const details = await ended(ref, 'FAILED');
    const byName = Object.fromEntries(details.tasks.map((task: any) => [task.displayName.replace(/-\d+$/, ''), task.status]));
    expect(byName).toMatchObject({ first: 'FAILED', second: 'CANCELLED', 'on-failure-task': 'COMPLETED' });
  });

  scenario('without a failure, the failure task is skipped', {}, async (key) => {
    expect(await rescued.run({ key, fail: false })).toMatchObject({ first: { ok: true }, second: { ok: true } });
    expect(steps(key, 'rescue')).toHaveLength(0);
  });

  scenario('the success task comes after all others, with their outputs', {}, async (key) => {
    expect(await celebrated.run({ key, fail: false })).toMatchObject({ 'on-success-task': { celebrated: true } });
    expect(steps(key, 'celebrate')[0].data).toEqual([{ value: 1 }, { value: 2 }]);
  });

  scenario('after a failure, the success task does not run', {}, async (key) => {
    const ref = await celebrated.runNoWait({ key, fail: true });
    expect(await rejection(ref.output)).toContain('nothing to celebrate');
    await ended(ref, 'FAILED');
    expect(steps(key, 'celebrate')).toHaveLength(0);
  });

  scenario('a retry that is waiting can be seen, and cancelled', {}, async (key) => {
    const ref = await patient.runNoWait({ key });
    // The second, which waits twice as long as the first: a busy machine needs some of that.
    await until('the second attempt', () => steps(key, 'try').length > 1);
    await until('its retry to be recorded', async () => counted(await hatchet.runs.get(ref)).RETRYING === 2);
    await ref.cancel();
    await ended(ref, 'CANCELLED');
    expect(steps(key, 'try')).toHaveLength(2);
  });

  scenario('failures of many can be had as values', { needs: 'details' }, async (key) => {
    const results: any[] = await (broken as any).run([{ key }, { key }], { returnExceptions: true });
    for (const result of results) {
      expect(result).toBeInstanceOf(Error);
      expect(result.message).toContain('the disk is full');
    }
  });

  scenario('details of a failed run tell the error of its task', { needs: 'details' }, async (key) => {
    const ref = await broken.runNoWait({ key });
    await rejection(ref.output);
    const details = await (hatchet.runs as any).getDetails(await idOf(ref));
    expect(details).toMatchObject({ status: 'FAILED', done: true, input: { key } });
    expect(details.taskRuns.broken.error).toContain('the disk is full');
  });
});
