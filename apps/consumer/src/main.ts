import { failToStart } from '#service/process/fail-to-start.js';
import { startTracing } from '#service/telemetry/start-tracing.js';

try {
  await startTracing('consumer');
  // Imported here, so that invalid settings print only their message.
  const { settings } = await import('./settings.js');
  const { ConsumerModule, startup } = await import('./consumer.module.js');
  const { ParallelConsumerServer } = await import('@orders-pipeline/nestjs-parallel-consumer');
  const { startService } = await import('#service/process/start-service.js');
  await startService({
    module: ConsumerModule,
    startup,
    strategies: [ParallelConsumerServer],
    settings,
    // Without profiles it has nothing to protect, only health and metrics.
    ...(settings.PROFILE_DIR !== undefined && { auth: settings, isReadyWithoutIssuer: true }),
    profiles: { service: 'consumer', ...settings },
  });
} catch (error) {
  failToStart(error);
}
