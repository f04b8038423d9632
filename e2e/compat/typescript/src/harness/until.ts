// Waiting for what must become true, with a deadline and without guessing how long it takes.

const EVERY_MS = 50;
const WITHIN_MS = 45_000; // a busy machine needs some of it

type Truthy<T> = Exclude<T, false | '' | 0 | null | undefined>;

/** Asks again and again until the answer is truthy, and returns it. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  { timeout = WITHIN_MS, every = EVERY_MS } = {},
): Promise<Truthy<T>> {
  const deadline = Date.now() + timeout;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const answer = await ask();
      if (answer) return answer as Truthy<T>;
      last = answer;
    } catch (error) {
      if (!isMissing(error)) throw error;
      last = error;
    }
    await pause(every);
  }
  throw new Error(`waited ${timeout} ms for ${what}; last answer: ${show(last)}`);
}

// Not there yet is an answer that may change; every other refusal is a fault.
function isMissing(error: unknown): boolean {
  return (error as { response?: { status?: number } })?.response?.status === 404;
}

function show(value: unknown): string {
  return value instanceof Error ? value.message : JSON.stringify(value);
}

/** The work of a task that takes a while; ends early, by throwing, when the signal aborts. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason ?? new Error('aborted'));
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      reject(signal.reason ?? new Error('aborted'));
    });
  });
}
