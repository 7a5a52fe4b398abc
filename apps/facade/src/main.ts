// The facade: speaks the legacy system's API, and moves its traffic to the target step by step. See docs/migrate.md.
import { failToStart } from '#service/process/fail-to-start.js';
import { startTracing } from '#service/telemetry/start-tracing.js';

/** An unknown id of any sensible length is answered as the legacy system answers it. */
const MAX_ID_CHARACTERS = 1_024;

try {
  await startTracing('facade');
  // Imported inside `try`, so that invalid settings print only their message.
  const { settings } = await import('./settings.js');
  const { API } = await import('./legacy-api-document.js');
  const { FacadeModule } = await import('./facade.module.js');
  const { startService } = await import('#service/process/start-service.js');
  await startService({
    module: FacadeModule,
    settings,
    auth: settings,
    isReadyWithoutIssuer: true,
    audit: { service: 'facade', ...settings },
    profiles: { service: 'facade', ...settings },
    docs: API,
    maxParamLength: MAX_ID_CHARACTERS,
  });
} catch (error) {
  failToStart(error);
}
