// What a program sees when the engine or a worker dies: on an engine of its own.

import { join } from 'node:path';
import { HatchetClient } from '@hatchet-dev/typescript-sdk/v1';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { Engine } from '../harness/engine';
import { Program } from '../harness/program';
import { scenario, uniqueKey } from '../harness/scenario';
import { mark, steps } from '../harness/trail';
import { until } from '../harness/until';

let engine: Engine;
let client: HatchetClient;
let workers: Program[] = [];

const start = async (name: string) => {
  const worker = await Program.start({ set: 'wanderers', name, env: engine.env() });
  workers.push(worker);
  return worker;
};
const run = (name: string, input: object) => client.runNoWait<any, any>(name, input as any, {});
const begun = (key: string, times = 1) =>
  until(`${times} to begin`, () => steps(key, 'begin').length >= times, { timeout: 60_000 });

async function powerCut() {
  await engine.kill();
  await engine.start();
}

beforeAll(async () => {
  engine = await new Engine(join(process.env.ADZE_COMPAT_DIR!, `crashes-${uniqueKey()}`)).start();
  const env = engine.env();
  client = HatchetClient.init({
    token: env.HATCHET_CLIENT_TOKEN, host_port: env.HATCHET_CLIENT_HOST_PORT, api_url: env.HATCHET_CLIENT_API_URL,
    tls_config: { tls_strategy: 'none' }, log_level: 'OFF',
  } as any);
  await start('first');
});
afterAll(async () => {
  await Promise.all(workers.map((worker) => worker.kill()));
  await engine?.stop();
});

const timeout = 150_000;

describe.sequential('crashes', () => {
  scenario('who waits for a run gets its result when the engine dies in between', { timeout }, async (key) => {
    const ref = await run('outlasting', { key });
    const waiting = ref.result();
    await begun(key);
    await powerCut();
    mark(key, 'let go');
    const result: any = await waiting;
    expect(result.outlasting).toHaveProperty('retry');
  });

  scenario('runs that were accepted before the engine died all end', { timeout }, async (key) => {
    const refs = await Promise.all(Array.from({ length: 60 }, (_, n) => run('plain-task', { key, n, ms: 200 })));
    await powerCut();
    const results = await Promise.all(refs.map((ref) => ref.result()));
    expect(results).toHaveLength(60);
    for (const result of results as any[]) expect(result['plain-task']).toHaveProperty('pid');
  });

  scenario('a durable wait goes on when the engine has died', { timeout }, async (key) => {
    const ref = await run('wandering', { key });
    await begun(key);
    await powerCut();
    const id = await ref.getWorkflowRunId();
    await until('the event to be heard', async () => {
      await client.events.push(`compat:durable:${key}`, { back: true });
      return (await client.runs.get_status(id)) === 'COMPLETED';
    }, { every: 500, timeout: 90_000 });
    expect(((await ref.result()) as any).wandering.heard).toEqual({ back: true });
  });

  scenario('a durable task that has just begun sleeps through the death of the engine', { timeout }, async (key) => {
    const ref = await run('sleeper', { key, seconds: 4 });
    await begun(key);
    await powerCut();
    const result: any = await ref.result();
    expect(result.sleeper.durationMs).toBe(4_000);
  });

  scenario('the worker is the same to the engine after it came back', { timeout }, async (key) => {
    await powerCut();
    const ref = await run('plain-task', { key, ms: 10 });
    expect(await ref.result()).toMatchObject({ 'plain-task': { pid: workers[0].pid } });
    expect((await client.workers.get(workers[0].workerId)).status).toBe('ACTIVE');
  });

  scenario('a durable task of a worker that stops goes on in another', { timeout }, async (key) => {
    const ref = await run('wandering', { key });
    await begun(key);
    const second = await start('second');
    await workers[0].stop();
    await client.events.push(`compat:durable:${key}`, { back: true });
    const result: any = await ref.result();
    expect(result.wandering.invocation).toBeGreaterThanOrEqual(2);
    expect(steps(key, 'begin').at(-1)?.pid).toBe(second.pid);
  });

  scenario('a task of a worker that dies is given to another', { timeout }, async (key) => {
    const doomed = workers.at(-1)!;
    const ref = await run('outlasting', { key });
    await begun(key);
    await doomed.kill();
    const next = await start('third');
    await begun(key, 2);
    mark(key, 'let go');
    expect(await ref.result()).toEqual({ outlasting: { retry: 1 } });
    expect(steps(key, 'begin').at(-1)?.pid).toBe(next.pid);
  });
});
