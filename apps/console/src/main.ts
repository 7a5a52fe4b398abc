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
      await servePage(fastify, settings);
      await forwardToServices(fastify, settings);
    },
    docs: API,
  });
} catch (error) {
  failToStart(error);
}
