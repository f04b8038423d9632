// The client of the programs: all it knows is in the environment, as the SDK's guide says.

import { HatchetClient } from '@hatchet-dev/typescript-sdk/v1';

export const hatchet = HatchetClient.init();
