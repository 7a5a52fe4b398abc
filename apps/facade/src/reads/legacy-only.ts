import type { MigrationParts } from '../facade.module.js';
import { AwaitedIntents, ReadStages } from './read-stages.js';

/** Before the migration begins: the legacy system answers everything, and there are no open writes. */
export const LEGACY_ONLY: MigrationParts = {
  providers: [
    {
      provide: ReadStages,
      useValue: { stageOf: async () => ({ stage: 'off', version: 1 }) } satisfies ReadStages,
    },
    { provide: AwaitedIntents, useValue: { untilReadable: async () => undefined } satisfies AwaitedIntents },
  ],
  controllers: [],
};
