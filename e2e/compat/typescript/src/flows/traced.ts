// A program that traces itself. The instrumentation must be there before the client is.

import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HatchetInstrumentor } from '@hatchet-dev/typescript-sdk/opentelemetry';
import { trace } from '@opentelemetry/api';
import { HatchetClient } from '@hatchet-dev/typescript-sdk/v1';

registerInstrumentations({
  instrumentations: [new HatchetInstrumentor({ includeTaskNameInSpanName: true, bspConfig: { scheduledDelayMillis: 200 } })],
});

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
