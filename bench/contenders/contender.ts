import type { ContenderName, Job } from './job.js';
import type { Meter } from './meter.js';

/** Consumes the job's topic, or writes it, and tells the meter. Resolves once it is over; its process ends then, whatever still runs in it. */
export type Contender<N extends ContenderName> = (job: Job<N>, meter: Meter) => Promise<void>;
