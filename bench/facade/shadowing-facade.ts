// The process of a facade whose reads are all in `shadow`, without open writes.
import { startService } from '#service/process/start-service.js';
import { FacadeModule } from '../../apps/facade/src/facade.module.js';
import { AwaitedIntents, ReadStages } from '../../apps/facade/src/reads/read-stages.js';
import { settings } from '../../apps/facade/src/settings.js';

const providers = [
  { provide: ReadStages, useValue: { stageOf: async () => ({ stage: 'shadow', version: 1 }) } satisfies ReadStages },
  { provide: AwaitedIntents, useValue: { untilReadable: async () => undefined } satisfies AwaitedIntents },
];

await startService({ module: FacadeModule.with({ providers, controllers: [] }), settings, auth: settings });
