import { failToStart } from '#service/process/fail-to-start.js';
import { startService } from '#service/process/start-service.js';

try {
  // Imported here, so that invalid settings print only their message.
  const { settings } = await import('./settings.js');
  const { ConsumerModule, startup } = await import('./consumer.module.js');
  const { ParallelConsumerServer } = await import('@orders-pipeline/nestjs-parallel-consumer');
  await startService({
    module: ConsumerModule,
    startup,
    strategies: [ParallelConsumerServer],
    settings,
  });
} catch (error) {
  failToStart(error);
}
