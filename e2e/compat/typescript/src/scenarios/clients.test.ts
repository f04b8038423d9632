// What a client adds by itself: hooks, a namespace, traces.

import { afterAll, beforeAll, describe, expect } from 'vitest';
import { hatchet } from '../client';
import { hooked, spaced, spacedClient } from '../flows/hooked';
import { Program } from '../harness/program';
import { ended, idOf, tag } from '../harness/runs';
import { scenario } from '../harness/scenario';
import { steps } from '../harness/trail';
import { until } from '../harness/until';

let programs: Program[] = [];
beforeAll(async () => {
  programs = await Promise.all(['hooked', 'spaced', 'traced'].map((set) => Program.start({ set })));
});
afterAll(() => Promise.all(programs.map((program) => program.kill())));

const spans = async (run: string): Promise<any[]> => {
  const url = `${process.env.HATCHET_CLIENT_API_URL}/api/v1/stable/tenants/${hatchet.tenantId}/traces?run_external_id=${run}`;
  const answer = await fetch(url, { headers: { authorization: `Bearer ${process.env.HATCHET_CLIENT_TOKEN}` } });
  expect(answer.status).toBe(200);
  return ((await answer.json()) as any).rows ?? [];
};

describe('clients', () => {
  scenario('hooks before and after a task change its input and output', {}, async () => {
    const ref = await hooked.runNoWait({ said: 'hi' } as any);
    expect(await ref.output).toEqual({ user: 'ann', said: 'hi', checked: true });
    expect((await ended(ref, 'COMPLETED')).run.input).toEqual({ said: 'hi' });
  });

  scenario('a namespace stands before all names, and keeps programs apart', {}, async (key) => {
    const ref = await spaced.runNoWait({ key }, tag(key));
    await ref.output;
    const details = await ended(ref, 'COMPLETED');
    const row = (await hatchet.runs.list({ additionalMetadata: { key } })).rows[0];
    expect(row.workflowName).toMatch(/^team-a_?spaced$/);
    expect(details.run.workflowId).toBe((await hatchet.workflows.get(row.workflowName!)).metadata.id);
  });

  scenario('events of a namespace reach only those in it', {}, async (key) => {
    await hatchet.events.push('compat:spaced', { key: `${key}-outside` });
    await spacedClient.events.push('compat:spaced', { key });
    await until('the task', () => steps(key, 'ran')[0]);
    expect(steps(`${key}-outside`)).toHaveLength(0);
  });

  scenario('the spans of a traced task can be read with its run', {}, async (key) => {
    const ref = await hatchet.runNoWait('traced', { key }, {});
    await ref.result();
    const id = await idOf(ref);
    const rows = await until('the spans', async () => {
      const all = await spans(id);
      return all.some((span) => span.spanName === 'compat.step') && all.length >= 2 && all;
    });
    const step = rows.find((span) => span.spanName === 'compat.step');
    expect(step.spanAttributes).toMatchObject({ 'compat.key': key });
    expect(new Set(rows.map((span) => span.traceId)).size).toBe(1);
    expect(rows.some((span) => span.spanId === step.parentSpanId)).toBe(true);
  });
});
