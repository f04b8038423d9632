// What came to the SDK after the older of the two versions tested.

import * as sdk from '@hatchet-dev/typescript-sdk/v1';

const features = {
  batches: 'CreateBatchTaskWorkflow' in sdk,
  idempotency: 'IdempotencyCollisionError' in sdk,
  details: 'getDetails' in sdk.RunsClient.prototype,
  // These came with the batches; the SDK has no name of theirs to look for.
  sharedConcurrency: 'CreateBatchTaskWorkflow' in sdk,
  childErrors: 'CreateBatchTaskWorkflow' in sdk, // of children of durable tasks
  cancelledIsEmpty: 'CreateBatchTaskWorkflow' in sdk, // and no error
  slotCost: 'CreateBatchTaskWorkflow' in sdk,
};

export type Feature = keyof typeof features;
export const has = (feature: Feature): boolean => features[feature];
