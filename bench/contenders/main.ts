import type { ContenderName, Contenders, Job } from './job.js';
import { Meter } from './meter.js';

// The process of one contender: receives a job, runs it, sends the measurement, and exits.

/** Loaded on demand, so that the process holds only what its contender needs. */
const LOADERS: { readonly [N in ContenderName]: () => Promise<Contenders<N>> } = {
  'engine-wait': loadPlain,
  'engine-no-op': loadPlain,
  'engine-stalled-key': loadPlain,
  'bare-loop': loadPlain,
  'json-engine': loadPlain,
  'json-plain': loadPlain,
  'engine-save': loadSaving,
  'plain-save': loadSaving,
  'one-at-a-time': loadSaving,
  'bare-send': loadSaving,
  'bare-insert': loadSaving,
  'bare-cursor': loadSaving,
  'nest-save': loadNest,
  'app-publishing': loadNest,
};

async function loadPlain() {
  return (await import('./plain.js')).contenders;
}

async function loadSaving() {
  return (await import('./saving.js')).contenders;
}

async function loadNest() {
  return (await import('./nest.js')).contenders;
}

async function work<N extends ContenderName>(job: Job<N>): Promise<void> {
  const { [job.contender]: contend } = await LOADERS[job.contender]();
  const meter = new Meter(job.records);
  await contend(job, meter);
  process.send?.(meter.measurement(), () => process.exit(0));
}

// The parent process is gone, so nothing waits for the measurement.
process.once('disconnect', () => process.exit(1));
process.once('message', (job: Job) => void work(job));
