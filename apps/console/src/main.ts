import { failToStart } from '#service/process/fail-to-start.js';
import { startTracing } from '#service/telemetry/start-tracing.js';

try {
  await startTracing('console');
  // Imported inside `try`, so that invalid settings print only their message.
  const { settings } = await import('./settings.js');
  const { forwardToServices } = await import('./forward-to-services.js');
  const { servePage } = await import('./serve-page.js');
  const { API, ConsoleModule } = await import('./console.module.js');
  const { startService } = await import('#service/process/start-service.js');
  await startService({
    module: ConsoleModule,
    settings,
    auth: settings,
    audit: { service: 'console', ...settings },
    profiles: { service: 'console', ...settings },
    prepare: async (fastify) => {
      await servePage(fastify, settings);
      await forwardToServices(fastify, settings);
    },
    docs: API,
  });
} catch (error) {
  failToStart(error);
}
