import { hatchet } from '../client';
import { has } from '../harness/features';
import { mark } from '../harness/trail';

type Item = { key: string; n: number; group?: string };

const each = <T>(items: Record<string, Item>, make: (item: Item) => T): Record<string, T> =>
  Object.fromEntries(Object.entries(items).map(([id, item]) => [id, make(item)]));

const told = (items: Record<string, Item>) => {
  const all = Object.values(items);
  mark(all[0].key, 'batch', all.map((item) => item.n));
  return all.length;
};

function declare() {
  const filled = hatchet.batchTask({
    name: 'filled',
    batch: { maxSize: 3, maxInterval: '30s', groupKey: 'input.key' },
    fn: async (items: Record<string, Item>) => {
      const size = told(items);
      return each(items, (item) => ({ n: item.n, size }));
    },
  } as any) as any;

  const prompt = hatchet.batchTask({
    name: 'prompt',
    batch: { maxSize: 100, maxInterval: '1s', groupKey: 'input.key' },
    fn: async (items: Record<string, Item>) => {
      const size = told(items);
      return each(items, (item) => ({ n: item.n, size }));
    },
  } as any) as any;

  const grouped = hatchet.batchTask({
    name: 'grouped',
    batch: { maxSize: 2, maxInterval: '30s', groupKey: 'input.group' },
    fn: async (items: Record<string, Item>) => {
      const groups = [...new Set(Object.values(items).map((item) => item.group))];
      return each(items, () => ({ groups }));
    },
  } as any) as any;

  const broadcast = hatchet.batchTask({
    name: 'broadcast',
    batch: { maxSize: 2, maxInterval: '30s', groupKey: 'input.key', broadcastOutput: true },
    fn: async (items: Record<string, Item>) => ({ sum: Object.values(items).reduce((sum, item) => sum + item.n, 0) }),
  } as any) as any;

  const spoiled = hatchet.batchTask({
    name: 'spoiled',
    batch: { maxSize: 2, maxInterval: '30s', groupKey: 'input.key' },
    fn: async () => {
      throw new Error('the whole batch is spoiled');
    },
  } as any) as any;

  return { filled, prompt, grouped, broadcast, spoiled };
}

export const batches = has('batches') ? declare() : undefined;
export const flows = Object.values(batches ?? {});
