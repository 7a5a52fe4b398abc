import { failToStart } from '#service/fail-to-start.js';
import { startService } from '#service/start-service.js';

try {
  // Imported here, so that settings that can't be used end in their message alone.
  const { settings } = await import('./settings.js');
  const { QueryApiModule } = await import('./query-api.module.js');
  await startService({
    module: QueryApiModule,
    settings,
    auth: settings,
    docs: { title: 'Orders: query API', description: 'Reads saved orders by page, by id and by range of numbers.' },
  });
} catch (error) {
  failToStart(error);
}
