// What the REST API says about runs.

import { hatchet } from '../client';
import { until } from './until';

export async function idOf(ref: { getWorkflowRunId(): Promise<string> }): Promise<string> {
  return ref.getWorkflowRunId();
}

/** Waits until a run has ended as said, and returns all that is known of it. */
export async function ended(run: any, status: string, timeout?: number): Promise<any> {
  const id = typeof run === 'string' ? run : await idOf(run);
  await until(`run ${id} to be ${status}`, async () => (await hatchet.runs.get_status(id)) === status || undefined, { timeout });
  return hatchet.runs.get(id);
}

export async function status(run: any): Promise<string> {
  return hatchet.runs.get_status(typeof run === 'string' ? run : await idOf(run));
}

/** How often each kind of event was recorded in a run. */
export function counted(details: any): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const event of details.taskEvents) counts[event.eventType] = (counts[event.eventType] ?? 0) + 1;
  return counts;
}

/** The ids of the runs that carry a key in their metadata. */
export async function tagged(key: string, query: object = {}): Promise<any[]> {
  return (await hatchet.runs.list({ additionalMetadata: { key }, limit: 200, ...query } as any)).rows;
}

export const tag = (key: string) => ({ additionalMetadata: { key } });

/** What a failed run rejects with, as one text. */
export async function rejection(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    (value) => Promise.reject(new Error(`expected a failure, got ${JSON.stringify(value)}`)),
    (error) => (Array.isArray(error) ? error.join('\n') : String(error?.message ?? error)),
  );
}
