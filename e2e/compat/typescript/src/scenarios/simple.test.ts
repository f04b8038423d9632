import { describe, expect } from 'vitest';
import { hatchet } from '../client';
import { about, bare, echo, greet, order, slow } from '../flows/simple';
import { ended, idOf, rejection, status, tag } from '../harness/runs';
import { scenario } from '../harness/scenario';
import { until } from '../harness/until';

describe('simple tasks', () => {
  scenario('a run that nobody waits for has the id of its task, and its result can be had later', {}, async (key) => {
    const ref = await greet.runNoWait({ name: 'bob' }, tag(key));
    const id = await idOf(ref);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/);
    const details = await ended(ref, 'COMPLETED');
    expect(details.tasks).toHaveLength(1);
    expect(details.tasks[0].taskExternalId).toBe(id);
    expect(details.run.metadata.id).toBe(id);
    expect(await ref.output).toEqual({ text: 'hello bob' });
    expect(await hatchet.runs.runRef(id).output).toEqual({ greet: { text: 'hello bob' } });
  });

  scenario('the result of an ended run can be asked for again and again', {}, async () => {
    const ref = await greet.runNoWait({ name: 'cy' });
    for (let time = 0; time < 3; time++) expect(await ref.output).toEqual({ text: 'hello cy' });
  });

  scenario('many inputs give their outputs in order', {}, async () => {
    const inputs = Array.from({ length: 50 }, (_, i) => ({ name: `n${i}` }));
    expect(await greet.run(inputs)).toEqual(inputs.map(({ name }) => ({ text: `hello ${name}` })));
  });

  scenario('each run of many has its own options', {}, async (key) => {
    const runs = [1, 2, 3].map((n) => ({
      input: { key },
      opts: { additionalMetadata: { n: String(n) }, priority: n },
    }));
    const results = await about.runMany(runs as any);
    expect(results.map((result: any) => [result.metadata.n, result.priority])).toEqual([['1', 1], ['2', 2], ['3', 3]]);
  });

  scenario('more runs than fit in one request all begin and end', { timeout: 180_000 }, async () => {
    const inputs = Array.from({ length: 1200 }, (_, n) => ({ n }));
    expect(await echo.run(inputs)).toEqual(inputs);
  });

  scenario('a workflow can be run by its name', {}, async () => {
    expect(await hatchet.run('greet', { name: 'dee' })).toEqual({ greet: { text: 'hello dee' } });
  });

  scenario('every JSON value comes back as it was sent', {}, async () => {
    const value = {
      text: 'ünïcödé 🚀 "quoted" \\ / \n\t', empty: '', zero: 0, negative: -1.5, large: 9007199254740991, tiny: 1e-7,
      yes: true, no: false, nothing: null, list: [1, [2, []], {}], nested: { a: { b: { c: {} } } }, 'key with spaces': 1,
    };
    expect(await echo.run(value)).toEqual(value);
  });

  scenario('an output need not be an object', {}, async () => {
    expect(await bare.run({ value: [1, 'two', { three: 3 }] })).toEqual([1, 'two', { three: 3 }]);
    expect(await bare.run({ value: 'text' })).toBe('text');
    expect(await bare.run({ value: 42 })).toBe(42);
  });

  scenario('a large input and output pass', {}, async () => {
    const text = 'x'.repeat(1_500_000);
    expect(((await echo.run({ text })) as any).text).toHaveLength(text.length);
  });

  scenario('a hundred waiters of one process all get their own result', {}, async () => {
    const results = await Promise.all(Array.from({ length: 100 }, (_, i) => greet.run({ name: `p${i}` })));
    expect(results.map((result) => result.text)).toEqual(Array.from({ length: 100 }, (_, i) => `hello p${i}`));
  });

  scenario('what a task knows of itself is what the API says', {}, async (key) => {
    const ref = await about.runNoWait({ key }, { additionalMetadata: { color: 'blue' }, priority: 2 });
    const own = await ref.output;
    const details = await ended(ref, 'COMPLETED');
    expect(own).toMatchObject({ name: 'About.Self-1', retry: 0, priority: 2, metadata: { color: 'blue' } });
    expect(own.run).toBe(details.run.metadata.id);
    expect(own.task).toBe(details.tasks[0].taskExternalId);
    expect(own.workflow).toBe(details.run.workflowId);
    expect(details.run.additionalMetadata).toMatchObject({ color: 'blue' });
  });

  scenario('a run is QUEUED or RUNNING, then COMPLETED', {}, async () => {
    const ref = await slow.runNoWait({ ms: 1_500 });
    await until('the run to go', async () => (await status(ref)) === 'RUNNING');
    const [task] = (await ended(ref, 'COMPLETED')).tasks;
    // It counts from the report that it began, which comes late on a busy machine.
    expect(task.duration).toBe(Date.parse(task.finishedAt!) - Date.parse(task.startedAt!));
    expect(Date.parse(task.finishedAt!) - Date.parse(task.createdAt)).toBeGreaterThanOrEqual(1_400);
  });

  scenario('a workflow that nobody registered is refused by its name', {}, async () => {
    expect(await rejection(hatchet.run('no-such-workflow', {}))).toContain('no-such-workflow');
  });

  scenario('a priority out of its bounds is refused', {}, async (key) => {
    expect(await rejection(about.run({ key }, { priority: 7 as any }))).toContain('priority');
  });

  scenario('the schema of an input is kept with its workflow', {}, async () => {
    expect(await order.run({ item: 'pen', count: 3 })).toEqual({ total: 3 });
    const { metadata } = await hatchet.workflows.get('order');
    const { data } = await hatchet.api.workflowVersionGet(metadata.id);
    const schema: any = data.inputJsonSchema;
    expect(schema.properties).toMatchObject({ item: { type: 'string' }, count: { type: 'integer', minimum: 1 } });
    expect(schema.required).toEqual(['item', 'count']);
  });

  scenario('one failure among many can be had as a value', { needs: 'details' }, async () => {
    const results: any[] = (await echo.runMany([{ input: { n: 1 }, opts: { returnExceptions: true } }] as any)) as any;
    expect(results).toEqual([{ n: 1 }]);
  });
});
