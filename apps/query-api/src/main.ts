import { failToStart } from '#service/process/fail-to-start.js';
import { startService } from '#service/process/start-service.js';

try {
  // Imported inside `try`, so that invalid settings print only their message.
  const { settings } = await import('./settings.js');
  const { API } = await import('./api-description.js');
  const { QueryApiModule, startup } = await import('./query-api.module.js');
  await startService({
    module: QueryApiModule,
    startup,
    settings,
    auth: settings,
    docs: API,
  });
} catch (error) {
  failToStart(error);
}
