// A program that traces itself. The instrumentation must be there before the SDK is: what
// is imported comes first, what is required comes when it is asked for.

import { createRequire } from 'node:module';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HatchetInstrumentor } from '@hatchet-dev/typescript-sdk/opentelemetry';
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';

context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
registerInstrumentations({
  instrumentations: [new HatchetInstrumentor({ includeTaskNameInSpanName: true, bspConfig: { scheduledDelayMillis: 200 } })],
});

const { HatchetClient } = createRequire(import.meta.url)('@hatchet-dev/typescript-sdk/v1');

export const tracedClient = HatchetClient.init();

export const traced = tracedClient.task({
  name: 'traced',
  fn: async (input: { key: string }) =>
    trace.getTracer('compat').startActiveSpan('compat.step', (span) => {
      span.setAttribute('compat.key', input.key);
      span.end();
      return { ok: true };
    }),
});
