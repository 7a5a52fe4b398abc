import { failToStart } from '#service/fail-to-start.js';
import { startService } from '#service/start-service.js';

try {
  // Imported here, so that settings that can't be used end in their message alone.
  const { settings } = await import('./settings.js');
  const { ConsoleModule } = await import('./console.module.js');
  await startService({
    module: ConsoleModule,
    settings,
    auth: settings,
    docs: {
      title: 'Orders: console',
      description: 'How the pipeline is, second by second, and how many consumers it has.',
    },
  });
} catch (error) {
  failToStart(error);
}
