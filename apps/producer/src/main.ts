import { failToStart } from '#service/process/fail-to-start.js';
import { startTracing } from '#service/telemetry/start-tracing.js';

try {
  await startTracing('producer');
  // Imported here so that invalid settings only print their error message.
  const { settings } = await import('./settings.js');
  const { API } = await import('./api-description.js');
  const { startup } = await import('./connections.module.js');
  const { ProducerModule } = await import('./producer.module.js');
  const { acceptUploads } = await import('./imports/incoming-files.js');
  const { acceptManyOrders } = await import('./order-api/intake.controller.js');
  const { startService } = await import('#service/process/start-service.js');
  await startService({
    module: ProducerModule,
    startup,
    settings,
    auth: settings,
    audit: { service: 'producer', ...settings },
    profiles: { service: 'producer', ...settings },
    prepare: async (fastify) => {
      acceptManyOrders(fastify);
      await acceptUploads(fastify);
    },
    docs: API,
  });
} catch (error) {
  failToStart(error);
}
