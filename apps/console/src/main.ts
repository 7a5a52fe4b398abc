import { failToStart } from '#service/fail-to-start.js';
import { startService } from '#service/start-service.js';
import { forwardToServices } from './page/forward-to-services.js';
import { servePage } from './page/serve-page.js';

try {
  // Imported here, so that settings that can't be used end in their message alone.
  const { settings } = await import('./settings.js');
  const { ConsoleModule } = await import('./console.module.js');
  await startService({
    module: ConsoleModule,
    settings,
    auth: settings,
    prepare: async (fastify) => {
      await servePage(fastify, { clientId: settings.CONSOLE_CLIENT_ID });
      await forwardToServices(fastify, settings);
    },
    docs: {
      title: 'Orders: console',
      description:
        'How the pipeline is, second by second, and how many consumers it has. /v1/operations, /v1/populate, /v1/imports and /v1/dead-letters are passed on to the producer, /v1/orders to the query API, with the token of the caller.',
    },
  });
} catch (error) {
  failToStart(error);
}
