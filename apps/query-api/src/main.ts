import { failToStart } from '#service/process/fail-to-start.js';
import { startTracing } from '#service/telemetry/start-tracing.js';

try {
  await startTracing('query-api');
  // Imported inside `try`, so that invalid settings print only their message.
  const { settings } = await import('./settings.js');
  const { API } = await import('./api-description.js');
  const { QueryApiModule, startup } = await import('./query-api.module.js');
  const { startService } = await import('#service/process/start-service.js');
  await startService({
    module: QueryApiModule,
    startup,
    settings,
    auth: settings,
    profiles: { service: 'query-api', ...settings },
    docs: API,
  });
} catch (error) {
  failToStart(error);
}
