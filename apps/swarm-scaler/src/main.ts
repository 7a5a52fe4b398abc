import { failToStart } from '#service/process/fail-to-start.js';
import { startService } from '#service/process/start-service.js';
import { readSettings } from './settings.js';
import { SwarmScalerModule } from './swarm-scaler.module.js';

try {
  const settings = readSettings(process.env);
  await startService({ module: SwarmScalerModule.with(settings), settings });
} catch (error) {
  failToStart(error);
}
