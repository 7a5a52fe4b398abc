// The legacy system: a small copy of the order system that the pipeline replaces, with its quirks. See docs/migrate.md.
import { pino } from 'pino';
import { systemClock } from '@orders-pipeline/clock';
import { failToStart } from '#service/process/fail-to-start.js';
import { announceToParent, onParentExit } from '#service/process/parent-process.js';
import { OrderFiles } from './order-files.js';
import { createLegacyServer } from './legacy-server.js';
import { OrderStore } from './order-store.js';
import { readSettings } from './settings.js';

async function run(): Promise<void> {
  const settings = readSettings(process.env);
  // Its timestamps are the local time of its machine.
  process.env['TZ'] = settings.LEGACY_TIME_ZONE;
  const { LEGACY_HOST: listenHost, LOG_LEVEL: level, PORT: port } = settings;
  const base = { service: 'legacy', pid: process.pid };
  const logger = pino({ level, base, timestamp: pino.stdTimeFunctions.isoTime });
  const files = await OrderFiles.open(settings.LEGACY_DATA_DIR, (error) => {
    // The next start reads from the disk whether the orders are there. Their clients get no answer.
    logger.fatal(error, 'ending, because the outcome of a write is unknown');
    process.exit(1);
  });
  const store = await OrderStore.open(files, systemClock);
  const app = createLegacyServer({ store, logger, listenHost, random: Math.random });
  const end = (reason: string): void => {
    logger.info({ reason }, 'draining');
    app.close().then(() => process.exit(0), failToStart);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end(signal));
  await app.listen({ host: listenHost, port });
  logger.info({ orders: store.count, folder: settings.LEGACY_DATA_DIR }, 'the legacy system listens');
  announceToParent(app.listeningOrigin);
  onParentExit(() => end('the parent process has exited'));
}

try {
  await run();
} catch (error) {
  failToStart(error);
}
