// The worker program: serves a set of flows until it is told to stop.

import type { WorkerOptions } from './harness/program';

const options: WorkerOptions = JSON.parse(process.argv[2]);

const general = async () => (await import('./client')).hatchet;

async function main() {
  const areas = await Promise.all([
    import('./flows/simple'), import('./flows/failing'), import('./flows/stoppable'), import('./flows/graphs'),
    import('./flows/families'), import('./flows/talking'), import('./flows/events'), import('./flows/timed'),
    import('./flows/limited'), import('./flows/durable'), import('./flows/batches'), import('./flows/once'),
  ]);
  return { client: await general(), flows: areas.flatMap((area) => area.flows as any[]) };
}

const sets: Record<string, () => Promise<{ client: any; flows: any[] }>> = {
  main,
  simple: async () => ({ client: await general(), flows: (await import('./flows/simple')).flows }),
  routed: async () => ({ client: await general(), flows: (await import('./flows/routed')).routed }),
  narrow: async () => ({ client: await general(), flows: (await import('./flows/routed')).narrowFlows }),
  pair: async () => ({ client: await general(), flows: (await import('./flows/routed')).pairFlows }),
  crowded: async () => ({ client: await general(), flows: [(await import('./flows/durable')).crowded] }),
  wanderers: async () => ({ client: await general(), flows: (await import('./flows/durable')).wanderers }),
  hooked: async () => {
    const { hookedClient, hooked } = await import('./flows/hooked');
    return { client: hookedClient, flows: [hooked] };
  },
  spaced: async () => {
    const { spacedClient, spaced } = await import('./flows/hooked');
    return { client: spacedClient, flows: [spaced] };
  },
  traced: async () => {
    const { tracedClient, traced } = await import('./flows/traced');
    return { client: tracedClient, flows: [traced] };
  },
};

const { client, flows } = await sets[options.set]();
const worker = await client.worker(options.name ?? options.set, {
  workflows: flows,
  slots: options.slots ?? 100,
  durableSlots: options.durableSlots ?? 100,
  labels: options.labels ?? {},
});
worker.start().catch((error: Error) => {
  console.error(error);
  process.exit(1);
});
await worker.waitUntilReady(30_000);
process.send?.(worker._internal?.workerId ?? '');
