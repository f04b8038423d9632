// The short choice: one promise of each feature. The other files go deeper.

import { describe, expect } from 'vitest';
import { hatchet } from '../client';
import { sleeper } from '../flows/durable';
import { onSignup } from '../flows/events';
import { broken, flaky } from '../flows/failing';
import { parent } from '../flows/families';
import { diamond } from '../flows/graphs';
import { fair } from '../flows/limited';
import { greet } from '../flows/simple';
import { stoppable } from '../flows/stoppable';
import { logging, streaming } from '../flows/talking';
import { later } from '../flows/timed';
import { counted, ended, idOf, rejection, tag, tagged } from '../harness/runs';
import { scenario } from '../harness/scenario';
import { mark, peak, steps } from '../harness/trail';
import { until } from '../harness/until';

describe('essentials', () => {
  scenario('a task gives its output to who runs it, and its run is recorded', {}, async (key) => {
    expect(await greet.run({ name: 'ann' }, tag(key))).toEqual({ text: 'hello ann' });
    const [row] = await until('the run in the list', async () => {
      const rows = await tagged(key, { includePayloads: true });
      return rows[0]?.status === 'COMPLETED' && rows;
    });
    expect(row).toMatchObject({ workflowName: 'greet', input: { name: 'ann' }, output: { text: 'hello ann' } });
  });

  scenario('a failing task rejects with what it threw', {}, async (key) => {
    const ref = await broken.runNoWait({ key });
    expect(await rejection(ref.output)).toContain('the disk is full');
    const details = await ended(ref, 'FAILED');
    expect(details.tasks[0].errorMessage).toContain('the disk is full');
  });

  scenario('a task is retried until it succeeds', {}, async (key) => {
    const ref = await flaky.runNoWait({ key, failures: 2 });
    expect(await ref.output).toEqual({ attempts: 3 });
    expect(steps(key, 'try').map((step) => step.data)).toEqual([0, 1, 2]);
    expect(counted(await ended(ref, 'COMPLETED'))).toMatchObject({ RETRYING: 2, FINISHED: 1 });
  });

  scenario('a cancelled task is told, and its run is cancelled', {}, async (key) => {
    const ref = await stoppable.runNoWait({ key });
    await until('the task to begin', () => steps(key, 'begin').length > 0);
    await ref.cancel();
    await ended(ref, 'CANCELLED');
    await until('the task to be told', () => steps(key, 'aborted').length > 0);
  });

  scenario('steps of a graph get the outputs of their parents', {}, async (key) => {
    expect(await diamond.run({ key, value: 5 })).toEqual({
      top: { value: 5 }, left: { value: 6 }, right: { value: 50 }, bottom: { sum: 56 },
    });
  });

  scenario('children that a task runs give it their outputs', {}, async (key) => {
    const ref = await parent.runNoWait({ key, n: 3 });
    expect(await ref.output).toMatchObject({ squares: [1, 4, 9] });
    const rows = (await hatchet.runs.list({ parentTaskExternalId: await idOf(ref) })).rows;
    expect(rows).toHaveLength(3);
  });

  scenario('a stream arrives while its run goes on, in order', {}, async (key) => {
    const ref = await streaming.runNoWait({ key, chunks: 20 });
    const got: string[] = [];
    const listening = (async () => {
      for await (const chunk of hatchet.runs.subscribeToStream(await idOf(ref))) {
        got.push(chunk);
        if (got.length === 20) mark(key, 'enough');
      }
    })();
    await until('the task to begin', () => steps(key, 'begin').length > 0);
    mark(key, 'listening');
    await ref.output;
    await listening;
    expect(got).toEqual(Array.from({ length: 20 }, (_, i) => `chunk ${i};`));
  });

  scenario('what a task logs can be read', {}, async (key) => {
    const ref = await logging.runNoWait({ key });
    await ref.output;
    const api = hatchet.api as any;
    const lines = await until('the lines', async () => {
      const { data } = await api.v1LogLineList(await idOf(ref), { limit: 100 });
      return data.rows.length >= 9 && data.rows;
    });
    expect(lines.map((line: any) => line.message)).toContain(`starting ${key}`);
    expect(new Set(lines.map((line: any) => line.level))).toEqual(new Set(['DEBUG', 'INFO', 'WARN', 'ERROR']));
  });

  scenario('an event starts the workflows that ask for it', {}, async (key) => {
    const event = await hatchet.events.push('compat:signup', { key, n: 1 }, { additionalMetadata: { source: 'test' } });
    const step = await until('the task', () => steps(key, 'on-signup')[0]);
    expect(step.data).toMatchObject({ n: 1, metadata: { source: 'test', hatchet__event_id: event.eventId } });
    expect((await ended(step.data.run, 'COMPLETED')).run.input).toEqual({ key, n: 1 });
    expect(onSignup.definition.onEvents).toEqual(['compat:signup']);
  });

  scenario('a scheduled run starts at its time', {}, async (key) => {
    const at = Date.now() + 3_000;
    await later.schedule(new Date(at), { key }, { additionalMetadata: { why: 'scheduled' } });
    const step = await until('the run', () => steps(key, 'ran')[0]);
    expect(step.at).toBeGreaterThanOrEqual(at - 50);
    expect(step.data.metadata).toMatchObject({ why: 'scheduled' });
  });

  scenario('no more runs of a group go at once than allowed', {}, async (key) => {
    await fair.run(Array.from({ length: 6 }, (_, n) => ({ key, n, group: key, ms: 300 })));
    expect(peak(key)).toBe(2);
  });

  scenario('a durable sleep takes its time, and no longer', {}, async (key) => {
    const from = Date.now();
    expect(await sleeper.run({ key, seconds: 2 })).toEqual({ durationMs: 2000 });
    expect(Date.now() - from).toBeGreaterThanOrEqual(2_000);
    expect(Date.now() - from).toBeLessThan(30_000);
  });
});
