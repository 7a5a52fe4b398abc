import { failToStart } from '#service/fail-to-start.js';
import { startService } from '#service/start-service.js';

try {
  // Imported here, so that settings that can't be used end in their message alone.
  const { settings } = await import('./settings.js');
  const { ProducerModule } = await import('./producer.module.js');
  const { acceptUploads } = await import('./imports/multipart-files.js');
  await startService({
    module: ProducerModule,
    settings,
    auth: settings,
    prepare: acceptUploads,
    docs: {
      title: 'Orders: producer',
      description:
        'Emits fake financial orders, and those of a legacy system, to Kafka, as operations that run in the background and survive restarts.',
    },
  });
} catch (error) {
  failToStart(error);
}
