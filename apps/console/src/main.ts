import { failToStart } from '#service/process/fail-to-start.js';
import { startService } from '#service/process/start-service.js';
import { forwardToServices } from './page/forward-to-services.js';
import { servePage } from './page/serve-page.js';

try {
  // Imported inside `try`, so that invalid settings print only their message.
  const { settings } = await import('./settings.js');
  const { ConsoleModule } = await import('./console.module.js');
  await startService({
    module: ConsoleModule,
    settings,
    auth: settings,
    audit: { service: 'console', ...settings },
    prepare: async (fastify) => {
      const { CONSOLE_CLIENT_ID: clientId, QUERY_API_URL, QUERY_API_PUBLIC_URL = QUERY_API_URL, FACADE_URL } = settings;
      await servePage(fastify, {
        clientId,
        queryApiUrl: QUERY_API_PUBLIC_URL,
        hasFacade: FACADE_URL !== undefined,
        allowsFaults: settings.ALLOW_FAULT_INJECTION,
      });
      await forwardToServices(fastify, settings);
    },
    docs: {
      title: 'Orders: console',
      description:
        'Reports the state of the pipeline every second and scales its consumers. Forwards /v1/operations, /v1/populate, /v1/imports and /v1/dead-letters to the producer, /v1/orders to the query API, and /v1/migration to the facade, with the caller’s token.',
    },
  });
} catch (error) {
  failToStart(error);
}
