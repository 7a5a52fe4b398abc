import { failToStart } from '#service/process/fail-to-start.js';
import { startService } from '#service/process/start-service.js';
import { forwardToServices } from './forward-to-services.js';
import { servePage } from './serve-page.js';

try {
  // Imported inside `try`, so that invalid settings print only their message.
  const { settings } = await import('./settings.js');
  const { API, ConsoleModule } = await import('./console.module.js');
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
    docs: API,
  });
} catch (error) {
  failToStart(error);
}
