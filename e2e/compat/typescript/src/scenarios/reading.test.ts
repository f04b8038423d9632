// Reading and ruling over the REST API.

import { afterAll, beforeAll, describe, expect } from 'vitest';
import { hatchet } from '../client';
import { broken } from '../flows/failing';
import { child } from '../flows/families';
import { echo, greet, slow } from '../flows/simple';
import { stoppable } from '../flows/stoppable';
import { later } from '../flows/timed';
import { ended, idOf, status, tag, tagged } from '../harness/runs';
import { scenario } from '../harness/scenario';
import { steps } from '../harness/trail';
import { until } from '../harness/until';

const api = hatchet.api as any;

describe('runs', () => {
  scenario('runs are listed by status', {}, async (key) => {
    await Promise.all([echo.run([{ a: 1 }, { a: 2 }], tag(key)), broken.run({ key }, tag(key)).catch(() => undefined)]);
    await until('three rows', async () => (await tagged(key)).length === 3);
    expect(await tagged(key, { statuses: ['COMPLETED'] })).toHaveLength(2);
    expect(await tagged(key, { statuses: ['FAILED'] })).toHaveLength(1);
    expect(await tagged(key, { statuses: ['FAILED', 'COMPLETED'] })).toHaveLength(3);
  });

  scenario('runs are listed by workflow', {}, async (key) => {
    await Promise.all([echo.run({ a: 1 }, tag(key)), greet.run({ name: 'x' }, tag(key))]);
    const rows = await tagged(key, { workflowNames: ['greet'] });
    expect(rows.map((row) => row.workflowName)).toEqual(['greet']);
  });

  scenario('runs are listed newest first, page by page', {}, async (key) => {
    const ids: string[] = [];
    for (let n = 0; n < 5; n++) {
      const ref = await echo.runNoWait({ n }, tag(key));
      ids.push(await idOf(ref));
      await ref.output;
    }
    const page = async (offset: number) =>
      (await tagged(key, { offset, limit: 2 })).map((row) => row.workflowRunExternalId);
    expect([...(await page(0)), ...(await page(2)), ...(await page(4))]).toEqual(ids.reverse());
  });

  scenario('inputs and outputs are listed only when asked for', {}, async (key) => {
    await echo.run({ a: 1 }, tag(key));
    expect(await tagged(key, { includePayloads: true })).toMatchObject([{ input: { a: 1 }, output: { a: 1 } }]);
    expect(await tagged(key, { includePayloads: false })).toMatchObject([{ input: {}, output: {} }]);
  });

  scenario('runs of before or after a time are not listed', {}, async (key) => {
    await echo.run({ a: 1 }, tag(key));
    expect(await tagged(key, { since: new Date(Date.now() + 60_000) })).toHaveLength(0);
    expect(await tagged(key, { since: new Date(Date.now() - 60_000) })).toHaveLength(1);
  });

  scenario('a run tells all that happened to it, in order', {}, async () => {
    const ref = await slow.runNoWait({ ms: 50 });
    await ref.output;
    const details = await ended(ref, 'COMPLETED');
    const types = [...details.taskEvents]
      .sort((a: any, b: any) => Date.parse(a.timestamp) - Date.parse(b.timestamp))
      .map((event: any) => event.eventType);
    expect(types.indexOf('STARTED')).toBeLessThan(types.indexOf('FINISHED'));
    expect(types).toEqual(expect.arrayContaining(['QUEUED', 'ASSIGNED', 'STARTED', 'FINISHED']));
  });

  scenario('a run that is not there is not found', {}, async () => {
    const missing = hatchet.runs.get('00000000-0000-4000-8000-000000000000');
    await expect(missing).rejects.toMatchObject({ response: { status: 404 } });
  });

  scenario('the id of the task of a run can be asked for', {}, async () => {
    const ref = await greet.runNoWait({ name: 'z' });
    const id = await idOf(ref);
    expect(await hatchet.runs.getTaskExternalId(id)).toBe(id);
  });
});

describe('metrics', () => {
  scenario('runs are counted by status', {}, async (key) => {
    await echo.run([{ a: 1 }, { a: 2 }], tag(key));
    const counts = await hatchet.metrics.getTaskStatusMetrics({
      since: new Date(Date.now() - 60_000).toISOString(), additional_metadata: [`key:${key}`],
    } as any);
    expect(counts).toMatchObject({ completed: 2, failed: 0, running: 0 });
  });

  scenario('queues and tasks are counted', {}, async (key) => {
    const ref = await stoppable.runNoWait({ key });
    await until('the task to begin', () => steps(key, 'begin').length > 0);
    expect(await hatchet.metrics.getQueueMetrics()).toHaveProperty('queues');
    const stats: any = await until('the task to be counted', async () => {
      const all: any = await hatchet.metrics.getTaskStats();
      return (all['stoppable:stoppable'] ?? all.stoppable) && all;
    });
    expect(JSON.stringify(stats)).toContain('running');
    await ref.cancel();
  });

  scenario('a scraper of metrics is served', {}, async () => {
    expect(await hatchet.metrics.scrapePrometheusMetrics()).toMatch(/^# /m);
  });
});

describe('workers and workflows', () => {
  scenario('the worker that serves is listed', {}, async () => {
    const { rows } = await hatchet.workers.list();
    const main: any = rows!.find((worker) => worker.name === 'main' && worker.status === 'ACTIVE');
    expect(main.actions).toEqual(expect.arrayContaining(['greet:greet', 'diamond:bottom']));
    expect(main.slotConfig).toMatchObject({ default: { limit: 100 }, durable: { limit: 100 } });
    expect(main.runtimeInfo).toMatchObject({ language: 'TYPESCRIPT' });
    expect((await hatchet.workers.get(main.metadata.id)).name).toBe('main');
  });

  scenario('workflows are listed by a part of their name', {}, async () => {
    const names = (await hatchet.workflows.list({ name: 'DIAM' } as any)).rows!.map((row) => row.name);
    expect(names).toEqual(['diamond']);
    const found = await hatchet.workflows.get('diamond');
    expect(found).toMatchObject({ name: 'diamond', isPaused: false });
    expect((await api.workflowGet(found.metadata.id)).data.name).toBe('diamond');
  });

  scenario('the steps of a workflow are told with its version', {}, async () => {
    const { metadata } = await hatchet.workflows.get('diamond');
    const { data } = await api.workflowVersionGet(metadata.id);
    expect(data.workflowId).toBe(metadata.id);
    const names = (data.jobs ?? []).flatMap((job: any) => job.steps.map((step: any) => step.readableId));
    expect(names.sort()).toEqual(['bottom', 'left', 'right', 'top']);
  });

  scenario('a deleted workflow is gone', {}, async (key) => {
    const gone = hatchet.task({ name: `gone-${key}`, fn: async () => ({ ok: true }) });
    const worker = await hatchet.worker(`short-${key}`, { workflows: [gone], handleKill: false });
    const { metadata } = await hatchet.workflows.get(gone);
    await hatchet.workflows.delete(gone);
    await expect(api.workflowGet(metadata.id)).rejects.toMatchObject({ response: { status: 404 } });
    expect(worker.name).toContain(key);
  });

  scenario('the tenant is told, and is of the version that the SDK expects', {}, async () => {
    expect(await hatchet.tenant.get()).toMatchObject({ version: 'V1', metadata: { id: hatchet.tenantId } });
  });

  scenario('an expression can be tried', {}, async () => {
    const attempt = { expression: 'input.n > 3 && additional_metadata["a"] == "b"', additionalMetadata: { a: 'b' } };
    expect(await hatchet.cel.debug({ ...attempt, input: { n: 5 } })).toMatchObject({ status: 'SUCCESS', output: true });
    expect(await hatchet.cel.debug({ ...attempt, input: { n: 1 } })).toMatchObject({ status: 'SUCCESS', output: false });
    expect(await hatchet.cel.debug({ ...attempt, expression: 'input.n >', input: {} })).toMatchObject({ status: 'ERROR' });
  });
});

describe.sequential('a paused workflow', () => {
  let workflow = '';
  const pause = (body: object) => api.workflowUpdate(workflow, { pause: body });
  beforeAll(async () => {
    workflow = (await hatchet.workflows.get(child)).metadata.id;
  });
  afterAll(() => pause({ action: 'unpause' }));

  scenario('keeps its new runs until it goes on', {}, async (key) => {
    workflow = (await hatchet.workflows.get('order')).metadata.id;
    await pause({
      action: 'pause', pausedWorkflowCronRunQueueBehavior: 'QUEUE', pausedWorkflowScheduledRunQueueBehavior: 'QUEUE',
    });
    expect((await api.workflowGet(workflow)).data.isPaused).toBe(true);
    const ref = await hatchet.runNoWait('order', { item: key, count: 2 }, {});
    await until('the run to be kept', async () => (await status(ref)) === 'QUEUED');
    await pause({ action: 'unpause' });
    expect(await ref.result()).toEqual({ order: { total: 2 } });
    expect((await api.workflowGet(workflow)).data.isPaused).toBe(false);
  });

  scenario('drops what was scheduled when it is told to', {}, async (key) => {
    workflow = (await hatchet.workflows.get('about.self-1')).metadata.id;
    await pause({
      action: 'pause', pausedWorkflowCronRunQueueBehavior: 'DROP', pausedWorkflowScheduledRunQueueBehavior: 'DROP',
    });
    const made = await hatchet.schedules.create('about.self-1' as any, {
      triggerAt: new Date(Date.now() + 500), input: { key }, additionalMetadata: { key },
    });
    const marker = await later.delay(2, { key });
    await until('a later schedule to fire', () => steps(key, 'ran')[0]);
    await pause({ action: 'unpause' });
    expect((await tagged(key)).filter((row) => row.workflowName === 'about.self-1')).toHaveLength(0);
    expect([made, marker].every((one) => one.metadata.id)).toBe(true);
  });
});
