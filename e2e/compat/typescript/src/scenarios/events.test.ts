import { describe, expect } from 'vitest';
import { hatchet } from '../client';
import { onSignup, pusher } from '../flows/events';
import { idOf } from '../harness/runs';
import { scenario } from '../harness/scenario';
import { steps } from '../harness/trail';
import { until } from '../harness/until';

const eventWith = async (id: string): Promise<any> =>
  (await hatchet.events.list({ eventIds: [id] } as any)).rows?.[0];

// What an event must not start can be told only once what it starts has been seen.
async function onlyAfter(key: string, task: string, count: number) {
  await until(`${count} runs of ${task}`, () => steps(key, task).length >= count);
}

describe('events', () => {
  scenario('an event starts every workflow that asks for it', {}, async (key) => {
    const { eventId } = await hatchet.events.push('compat:signup', { key, n: 1 });
    await onlyAfter(key, 'on-signup', 1);
    await onlyAfter(key, 'on-signup-too', 1);
    const event = await until('the runs to have ended', async () => {
      const row = await eventWith(eventId);
      return row?.workflowRunSummary.succeeded === 2 && row;
    });
    expect(event).toMatchObject({ key: 'compat:signup', payload: { key, n: 1 } });
    expect(event.triggeredRuns).toHaveLength(2);
  });

  scenario('the task knows which event started it', { needs: 'details' }, async (key) => {
    const { eventId } = await hatchet.events.push('compat:signup', { key });
    const step = await until('the task', () => steps(key, 'on-signup')[0]);
    expect(step.data).toMatchObject({ event: eventId, eventKey: 'compat:signup' });
    const rows = (await hatchet.runs.list({ triggeringEventExternalId: eventId })).rows;
    expect(rows).toHaveLength(2);
  });

  scenario('many events pushed together each start their runs, in order of the answer', {}, async (key) => {
    const inputs = Array.from({ length: 20 }, (_, n) => ({ payload: { key, n }, additionalMetadata: { n: String(n) } }));
    const { events } = await hatchet.events.bulkPush('compat:signup', inputs);
    expect(events.map((event) => JSON.parse(event.payload).n)).toEqual(inputs.map((_, n) => n));
    await onlyAfter(key, 'on-signup', 20);
    expect(steps(key, 'on-signup').map((step) => step.data.n).sort((a, b) => a - b)).toEqual(inputs.map((_, n) => n));
    for (const step of steps(key, 'on-signup')) expect(step.data.metadata.n).toBe(String(step.data.n));
  });

  scenario('a wildcard matches any end of a key', {}, async (key) => {
    await hatchet.events.push('compat:wild:one', { key, n: 1 });
    await hatchet.events.push('compat:wild:two:three', { key, n: 2 });
    await onlyAfter(key, 'on-anything', 2);
    expect(steps(key, 'on-signup')).toHaveLength(0);
  });

  scenario('an event that starts nothing is kept', {}, async (key) => {
    const { eventId } = await hatchet.events.push(`compat:nobody:${key}`, { key }, { additionalMetadata: { key } });
    const event = await until('the event', () => eventWith(eventId));
    expect(event).toMatchObject({ key: `compat:nobody:${key}`, additionalMetadata: { key } });
    expect(event.triggeredRuns ?? []).toHaveLength(0);
  });

  scenario('a filter lets pass what its expression says, once for each that does', {}, async (key) => {
    const workflowId = (await hatchet.workflows.get('filtered')).metadata.id;
    const make = (expression: string, payload: object) =>
      hatchet.filters.create({ workflowId, expression, scope: key, payload });
    const filters = [
      await make('input.n > 5', { name: 'big' }),
      await make('input.n > 7', { name: 'bigger' }),
      await make('payload.limit < input.n', { name: 'limited', limit: 100 }),
    ];
    await hatchet.events.push('compat:filtered', { key, n: 3 }, { scope: key });
    await hatchet.events.push('compat:filtered', { key, n: 4 });
    await hatchet.events.push('compat:filtered', { key, n: 8 }, { scope: key });
    await onlyAfter(key, 'filtered', 2);
    const told = steps(key, 'filtered').map((step) => [step.data.n, step.data.filter.name]);
    expect(told.sort()).toEqual([[8, 'big'], [8, 'bigger']]);
    for (const filter of filters) await hatchet.filters.delete(filter.metadata.id);
  });

  scenario('a filter that comes with its workflow counts from the first event on', {}, async (key) => {
    await hatchet.events.push('compat:declared', { key, n: 5 }, { scope: 'gold' });
    await hatchet.events.push('compat:declared', { key, n: 20 }, { scope: 'gold' });
    await onlyAfter(key, 'declared', 1);
    expect(steps(key, 'declared').map((step) => [step.data.n, step.data.filter])).toEqual([[20, { tier: 'gold' }]]);
  });

  scenario('a filter can be read, changed and deleted', {}, async (key) => {
    const workflowId = (await hatchet.workflows.get('filtered')).metadata.id;
    const { metadata } = await hatchet.filters.create({ workflowId, expression: 'input.n > 5', scope: key });
    expect(await hatchet.filters.get(metadata.id)).toMatchObject({ expression: 'input.n > 5', scope: key, workflowId });
    await hatchet.filters.update(metadata.id, { expression: 'input.n > 6', payload: { a: 1 } });
    expect((await hatchet.filters.list({ scopes: [key] })).rows).toMatchObject([{ expression: 'input.n > 6', payload: { a: 1 } }]);
    await hatchet.filters.delete(metadata.id);
    expect((await hatchet.filters.list({ scopes: [key] })).rows ?? []).toHaveLength(0);
  });

  scenario('a filter that does not compile is refused', {}, async (key) => {
    const workflowId = (await hatchet.workflows.get('filtered')).metadata.id;
    const refused = hatchet.filters.create({ workflowId, expression: 'input.n >', scope: key });
    await expect(refused).rejects.toMatchObject({ response: { status: 400 } });
  });

  scenario('an event that a task pushes tells where it came from', {}, async (key) => {
    const ref = await pusher.runNoWait({ key });
    await ref.output;
    const step = await until('the task', () => steps(key, 'on-signup')[0]);
    expect(step.data.metadata).toMatchObject({ hatchet__source_workflow_run_id: await idOf(ref) });
  });

  scenario('events are listed by key, metadata and workflow', {}, async (key) => {
    await hatchet.events.push('compat:signup', { key }, { additionalMetadata: { key } });
    await onlyAfter(key, 'on-signup', 1);
    const workflow = (await hatchet.workflows.get(onSignup)).metadata.id;
    const byMetadata = await hatchet.events.list({ additionalMetadata: [`key:${key}`], keys: ['compat:signup'] } as any);
    expect(byMetadata.rows).toHaveLength(1);
    const byWorkflow = await hatchet.events.list({ additionalMetadata: [`key:${key}`], workflowIds: [workflow] } as any);
    expect(byWorkflow.rows).toHaveLength(1);
    expect((await hatchet.events.list({ additionalMetadata: [`key:${key}`], keys: ['other'] } as any)).rows ?? []).toHaveLength(0);
  });
});
