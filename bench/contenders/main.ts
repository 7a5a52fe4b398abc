// The process of one contender: receives a job, runs it, sends the measurement, and exits.
import type { Contender } from './contender.js';
import type { ContenderName, Job } from './job.js';
import { Meter } from './meter.js';

/** Loaded on demand, so that the process holds only what its contender needs. */
const LOADERS: { readonly [N in ContenderName]: () => Promise<{ readonly contend: Contender<N> }> } = {
  'engine-wait': () => import('./engine-wait.js'),
  'engine-no-op': () => import('./engine-no-op.js'),
  'bare-loop': () => import('./bare-loop.js'),
  'engine-save': () => import('./engine-save.js'),
  'nest-save': () => import('./nest-save.js'),
  'plain-save': () => import('./plain-save.js'),
  'json-engine': () => import('./json-engine.js'),
  'json-plain': () => import('./json-plain.js'),
  'one-at-a-time': () => import('./one-at-a-time.js'),
  'engine-stalled-key': () => import('./engine-stalled-key.js'),
  'app-emission': () => import('./app-emission.js'),
  'bare-send': () => import('./bare-send.js'),
  'bare-insert': () => import('./bare-insert.js'),
  'bare-cursor': () => import('./bare-cursor.js'),
};

async function work<N extends ContenderName>(job: Job<N>): Promise<void> {
  const { contend } = await LOADERS[job.contender]();
  const meter = new Meter(job.records);
  await contend(job, meter);
  process.send?.(meter.measurement(), () => process.exit(0));
}

// The parent process is gone, so nothing waits for the measurement.
process.once('disconnect', () => process.exit(1));
process.once('message', (job: Job) => void work(job));
