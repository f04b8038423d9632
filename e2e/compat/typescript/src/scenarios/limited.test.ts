import { describe, expect } from 'vitest';
import { RateLimitDuration } from '@hatchet-dev/typescript-sdk/v1';
import { hatchet } from '../client';
import {
  dynamic, elastic, fair, keepNewest, keepOldest, newestWins, oldestWins, sharedOne, sharedTwo, static1, twoKeys,
  wholeRun, wrongKey,
} from '../flows/limited';
import { ended, idOf, rejection, status } from '../harness/runs';
import { scenario } from '../harness/scenario';
import { mark, peak, steps } from '../harness/trail';
import { until } from '../harness/until';

const begun = (key: string) => steps(key, 'begin').map((step) => step.data.n);

describe('limits', () => {
  scenario('groups get their turn each', {}, async (key) => {
    const of = (group: string, n: number) => ({ key, group: `${key}-${group}`, n, ms: 400 });
    await fair.run([of('a', 1), of('a', 2), of('a', 3), of('a', 4), of('b', 5), of('b', 6)]);
    const order = begun(key);
    expect(order.indexOf(5)).toBeLessThan(order.indexOf(3));
    expect(order).toHaveLength(6);
  });

  scenario('the newest of a group wins, and the others are cancelled', {}, async (key) => {
    const input = { key, group: key };
    const first = await newestWins.runNoWait({ ...input, n: 1, ms: 30_000 });
    await until('the first to begin', () => begun(key).includes(1));
    const second = await newestWins.runNoWait({ ...input, n: 2, ms: 300 });
    await ended(first, 'CANCELLED');
    expect(await second.output).toEqual({ n: 2 });
  });

  scenario('the oldest of a group wins, and newcomers are cancelled', {}, async (key) => {
    const input = { key, group: key, ms: 6_000 };
    const first = await oldestWins.runNoWait({ ...input, n: 1 });
    await until('the first to begin', () => begun(key).includes(1));
    const second = await oldestWins.runNoWait({ ...input, n: 2 });
    await ended(second, 'CANCELLED');
    expect(await first.output).toEqual({ n: 1 });
    expect(begun(key)).toEqual([1]);
  });

  scenario('of two keys, both must have room', {}, async (key) => {
    const of = (other: string, n: number) => ({ key, group: key, other: `${key}-${other}`, n, ms: 400 });
    await twoKeys.run([of('x', 1), of('x', 2), of('x', 3), of('y', 4), of('y', 5), of('z', 6)]);
    expect(peak(key)).toBeGreaterThan(1);
    expect(peak(key)).toBeLessThanOrEqual(3);
    let now = 0;
    for (const step of steps(key).filter((one) => one.data.other === `${key}-x`)) {
      now += step.what === 'begin' ? 1 : -1;
      expect(now).toBeLessThanOrEqual(1);
    }
  });

  scenario('a limit of a whole workflow holds from its first step to its last', {}, async (key) => {
    await wholeRun.run([1, 2, 3].map((n) => ({ key, group: key, n })));
    expect(peak(key)).toBe(1);
    expect(steps(key, 'end')).toHaveLength(3);
  });

  scenario('a run whose key cannot be computed fails, and says why', {}, async (key) => {
    const ref = await wrongKey.runNoWait({ key });
    expect(await rejection(ref.output)).toContain('input.absent');
    expect(await status(ref)).toBe('FAILED');
  });

  scenario('a cancelled run gives its place to the next', {}, async (key) => {
    const input = { key, group: key };
    const running = await fair.runNoWait([1, 2].map((n) => ({ ...input, n, ms: 30_000 })));
    await until('both to begin', () => begun(key).length === 2);
    const next = await fair.runNoWait({ ...input, n: 3, ms: 100 });
    await running[0].cancel();
    expect(await next.output).toEqual({ n: 3 });
    await running[1].cancel();
  });

  scenario('a rate limit lets so many pass in its time', {}, async (key) => {
    await hatchet.ratelimits.upsert({ key: 'compat-static', limit: 3, duration: RateLimitDuration.MINUTE });
    const refs = await static1.runNoWait(Array.from({ length: 5 }, () => ({ key })));
    await until('three to run', () => steps(key, 'ran').length === 3);
    const { rows } = await hatchet.ratelimits.list({ search: 'compat-static' } as any);
    expect(rows).toMatchObject([{ key: 'compat-static', limitValue: 3, value: 0 }]);
    const queued = await until('three to have ended, and two to wait', async () => {
      const statuses = await Promise.all(refs.map(status));
      const waiting = refs.filter((_, i) => statuses[i] === 'QUEUED');
      return statuses.filter((one) => one === 'COMPLETED').length === 3 && waiting.length === 2 && waiting;
    });
    await hatchet.runs.cancel({ ids: await Promise.all(queued.map(idOf)) });
  });

  scenario('a rate limit by user counts each on its own, by the units that the input says', {}, async (key) => {
    const of = (group: string, n: number) => ({ key, group: `${key}-${group}`, n });
    const refs = await dynamic.runNoWait([of('ann', 2), of('ann', 2), of('ann', 2), of('bob', 4)]);
    await until('three to run', () => steps(key, 'ran').length === 3);
    expect(steps(key, 'ran').filter((step) => step.data === `${key}-ann`)).toHaveLength(2);
    const { rows } = await hatchet.ratelimits.list({ search: `${key}-bob` } as any);
    expect(rows).toMatchObject([{ limitValue: 4, value: 0 }]);
    await hatchet.runs.cancel({ ids: await Promise.all(refs.map(idOf)) });
  });

  scenario('two workflows share a limit by its name', { needs: 'sharedConcurrency' }, async (key) => {
    const input = { key, group: key, ms: 300 };
    await Promise.all([sharedOne.run([input, input]), sharedTwo.run([input, input])]);
    expect(peak(key)).toBe(1);
    expect(steps(key, 'end')).toHaveLength(4);
  });

  scenario('the input can say how many of its group may run', { needs: 'sharedConcurrency' }, async (key) => {
    const of = (group: string, n: number) => ({ key: `${key}-${group}`, group: `${key}-${group}`, n, ms: 500 });
    await elastic.run([1, 2, 3, 4].flatMap(() => [of('wide', 3), of('thin', 1)]));
    expect(peak(`${key}-wide`)).toBe(3);
    expect(peak(`${key}-thin`)).toBe(1);
  });

  scenario('of those that wait, only the newest is kept', { needs: 'sharedConcurrency' }, async (key) => {
    const input = { key, group: key };
    const running = await keepNewest.runNoWait({ ...input, n: 0, ms: 6_000 });
    await until('the first to begin', () => begun(key).includes(0));
    const second = await keepNewest.runNoWait({ ...input, n: 1, ms: 100 });
    const third = await keepNewest.runNoWait({ ...input, n: 2, ms: 100 });
    await ended(second, 'CANCELLED');
    expect(await running.output).toEqual({ n: 0 });
    expect(await third.output).toEqual({ n: 2 });
  });

  scenario('of those that wait, only the oldest is kept', { needs: 'sharedConcurrency' }, async (key) => {
    const input = { key, group: key };
    const running = await keepOldest.runNoWait({ ...input, n: 0, ms: 6_000 });
    await until('the first to begin', () => begun(key).includes(0));
    const second = await keepOldest.runNoWait({ ...input, n: 1, ms: 100 });
    const third = await keepOldest.runNoWait({ ...input, n: 2, ms: 100 });
    await ended(third, 'CANCELLED');
    expect(await running.output).toEqual({ n: 0 });
    expect(await second.output).toEqual({ n: 1 });
    mark(key, 'done');
  });
});
