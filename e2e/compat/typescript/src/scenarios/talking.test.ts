import { describe, expect } from 'vitest';
import { hatchet } from '../client';
import { logging, streaming } from '../flows/talking';
import { idOf } from '../harness/runs';
import { scenario } from '../harness/scenario';
import { mark, steps } from '../harness/trail';
import { until } from '../harness/until';

const logLines = async (id: string, query: any = {}): Promise<any[]> =>
  ((await (hatchet.api as any).v1LogLineList(id, { limit: 100, ...query })).data as any).rows;

// The second attempt writes the fewer lines: five, after the four of the first.
async function logged(key: string): Promise<string> {
  const ref = await logging.runNoWait({ key });
  await ref.output;
  const id = await idOf(ref);
  await until('all lines', async () => (await logLines(id)).length === 9);
  return id;
}

describe('streams and logs', () => {
  scenario('two listeners get the same stream', {}, async (key) => {
    const ref = await streaming.runNoWait({ key, chunks: 50 });
    const id = await idOf(ref);
    const got: string[][] = [[], []];
    const listening = got.map(async (chunks) => {
      for await (const chunk of hatchet.runs.subscribeToStream(id)) {
        chunks.push(chunk);
        if (got.every((all) => all.length === 50)) mark(key, 'enough');
      }
    });
    await until('the task to begin', () => steps(key, 'begin').length > 0);
    mark(key, 'listening');
    await ref.output;
    await Promise.all(listening);
    expect(got[0]).toEqual(got[1]);
    expect(got[0].join('')).toBe(Array.from({ length: 50 }, (_, i) => `chunk ${i};`).join(''));
  });

  scenario('the stream of an ended run ends at once', {}, async (key) => {
    const ref = await streaming.runNoWait({ key, chunks: 0 });
    mark(key, 'listening');
    mark(key, 'enough');
    await ref.output;
    const got: string[] = [];
    for await (const chunk of hatchet.runs.subscribeToStream(await idOf(ref))) got.push(chunk);
    expect(got).toEqual([]);
  });

  scenario('the events of a run come with its stream', {}, async (key) => {
    const ref = await streaming.runNoWait({ key, chunks: 1 });
    const types: string[] = [];
    const listening = (async () => {
      for await (const event of await ref.stream()) {
        types.push(event.type);
        if (event.type.endsWith('TYPE_STREAM')) mark(key, 'enough');
      }
    })();
    await until('the task to begin', () => steps(key, 'begin').length > 0);
    mark(key, 'listening');
    await listening;
    expect(types).toEqual([
      'STEP_RUN_EVENT_TYPE_STARTED', 'STEP_RUN_EVENT_TYPE_STREAM', 'STEP_RUN_EVENT_TYPE_COMPLETED', 'WORKFLOW_RUN_EVENT_TYPE_COMPLETED',
    ]);
  });

  scenario('log lines tell their attempt', {}, async (key) => {
    const id = await logged(key);
    const counts = (await logLines(id)).map((line) => line.retryCount).sort();
    expect(counts).toEqual([0, 0, 0, 0, 1, 1, 1, 1, 1]);
    expect(await logLines(id, { attempt: 1 })).toHaveLength(4);
  });

  scenario('log lines are found by level and by text', {}, async (key) => {
    const id = await logged(key);
    expect((await logLines(id, { levels: ['ERROR'] })).map((line) => line.message)).toEqual(Array(2).fill('something is wrong'));
    expect((await logLines(id, { search: 'at last' })).map((line) => line.message)).toEqual(['done at last']);
  });

  scenario('log lines come in the order asked for', {}, async (key) => {
    const id = await logged(key);
    const times = async (direction: string) =>
      (await logLines(id, { order_by_direction: direction })).map((line) => Date.parse(line.createdAt));
    const up = await times('ASC');
    expect(up).toEqual([...up].sort((a, b) => a - b));
    expect(await times('DESC')).toEqual([...up].reverse());
  });
});
