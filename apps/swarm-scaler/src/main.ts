import { failToStart } from '#service/process/fail-to-start.js';
import { startTracing } from '#service/telemetry/start-tracing.js';

try {
  await startTracing('swarm-scaler');
  const { readSettings } = await import('./settings.js');
  const { SwarmScalerModule } = await import('./swarm-scaler.module.js');
  const settings = readSettings(process.env);
  const { startService } = await import('#service/process/start-service.js');
  await startService({ module: SwarmScalerModule.with(settings), settings });
} catch (error) {
  failToStart(error);
}
