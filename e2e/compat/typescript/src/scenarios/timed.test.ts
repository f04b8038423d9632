import { describe, expect } from 'vitest';
import { hatchet } from '../client';
import { later, ticking } from '../flows/timed';
import { ended } from '../harness/runs';
import { scenario } from '../harness/scenario';
import { steps } from '../harness/trail';
import { until } from '../harness/until';

const inHours = (hours: number) => new Date(Date.now() + hours * 3_600_000);
const listed = async (key: string): Promise<any[]> =>
  (await hatchet.schedules.list({ workflow: later, additionalMetadata: [`key:${key}`] } as any)).rows ?? [];

describe('schedules and crons', () => {
  scenario('a schedule can be listed, read and deleted', {}, async (key) => {
    const at = inHours(1);
    const made = await hatchet.schedules.create(later as any, { triggerAt: at, input: { key }, additionalMetadata: { key } });
    expect(made).toMatchObject({ workflowName: 'later', method: 'API' });
    const [row] = await listed(key);
    expect(row.metadata.id).toBe(made.metadata.id);
    const read = await hatchet.schedules.get(made);
    expect(Math.abs(Date.parse(read.triggerAt) - at.getTime())).toBeLessThan(1_000);
    await hatchet.schedules.delete(made);
    expect(await listed(key)).toHaveLength(0);
    await expect(hatchet.schedules.get(made)).rejects.toMatchObject({ response: { status: 404 } });
  });

  scenario('a schedule can be moved', {}, async (key) => {
    const made = await later.schedule(inHours(1), { key });
    await hatchet.schedules.update(made, { triggerAt: new Date(Date.now() + 1_500) });
    await until('the run', () => steps(key, 'ran')[0]);
  });

  scenario('a delay starts a run that much later, with its options', {}, async (key) => {
    const from = Date.now();
    await later.delay(2, { key }, { additionalMetadata: { why: 'delayed' }, priority: 3 });
    const step = await until('the run', () => steps(key, 'ran')[0]);
    expect(step.at - from).toBeGreaterThanOrEqual(1_900);
    expect(step.data).toMatchObject({ metadata: { why: 'delayed' }, priority: 3 });
  });

  scenario('a schedule whose time has passed runs at once, and tells its run', {}, async (key) => {
    const made = await later.schedule(new Date(Date.now() - 60_000), { key });
    const step = await until('the run', () => steps(key, 'ran')[0]);
    await ended(step.data.run, 'COMPLETED');
    const read = await until('the schedule to know its run', async () => {
      const found = await hatchet.schedules.get(made);
      return found.workflowRunId && found;
    });
    expect(read.workflowRunId).toBe(step.data.run);
  });

  scenario('many schedules are moved and deleted together', {}, async (key) => {
    const make = () => hatchet.schedules.create(later as any, { triggerAt: inHours(1), input: { key }, additionalMetadata: { key } });
    const made = [await make(), await make(), await make()];
    const at = inHours(2);
    const moved = await hatchet.schedules.bulkUpdate(made.slice(0, 2).map((scheduledRun) => ({ scheduledRun, triggerAt: at })));
    expect(new Set(moved.updatedIds)).toEqual(new Set(made.slice(0, 2).map((one) => one.metadata.id)));
    const times = (await listed(key)).map((row) => Date.parse(row.triggerAt));
    expect(times.filter((time) => Math.abs(time - at.getTime()) < 1_000)).toHaveLength(2);
    const gone = await hatchet.schedules.bulkDelete({ scheduledRuns: made });
    expect(gone.deletedIds).toHaveLength(3);
    expect(await listed(key)).toHaveLength(0);
  });

  scenario('a cron that comes with its workflow fires by itself', {}, async () => {
    const declared = Date.parse((await hatchet.workflows.get('ticking')).metadata.createdAt);
    const ticks = await until('three ticks', () => {
      const all = steps('ticking', 'tick');
      return all.length >= 3 && all;
    });
    // When they run is up to the worker; but no second has two.
    expect(ticks.length).toBeLessThanOrEqual((Date.now() - declared) / 1_000 + 1);
    expect(ticks[1].data).toMatchObject({ hatchet__cron_expression: '* * * * * *' });
    expect((await hatchet.crons.list({ workflow: ticking })).rows).toMatchObject([{ cron: '* * * * * *', method: 'DEFAULT' }]);
  });

  scenario('a cron can be made, read, listed and deleted', {}, async (key) => {
    const made = await later.cron(key, '*/5 * * * *', { key }, { additionalMetadata: { key } });
    expect(made).toMatchObject({ name: key, cron: '*/5 * * * *', method: 'API', enabled: true });
    expect(await hatchet.crons.get(made)).toMatchObject({ name: key, input: { key }, additionalMetadata: { key } });
    expect((await hatchet.crons.list({ workflow: later, cronName: key } as any)).rows).toHaveLength(1);
    await hatchet.crons.delete(made);
    expect((await hatchet.crons.list({ workflow: later, cronName: key } as any)).rows ?? []).toHaveLength(0);
  });

  scenario('a cron that was made fires until it is deleted', {}, async (key) => {
    const made = await later.cron(key, '* * * * * *', { key }, { additionalMetadata: { why: 'cron' } });
    await until('two runs', () => steps(key, 'ran').length >= 2);
    await hatchet.crons.delete(made);
    expect(steps(key, 'ran')[0].data.metadata).toMatchObject({ why: 'cron', hatchet__cron_name: key });
  });

  scenario('a cron that cannot be read or is there already is refused', {}, async (key) => {
    await expect(later.cron(key, 'every day', { key })).rejects.toThrow();
    const made = await later.cron(key, '0 0 * * *', { key });
    await expect(later.cron(key, '0 0 * * *', { key })).rejects.toThrow();
    await hatchet.crons.delete(made);
  });
});
