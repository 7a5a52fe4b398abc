import type { ContenderName, Job } from './job.js';
import type { Meter } from './meter.js';

/** Consumes or writes the job's topic and reports to the meter. When it resolves, the process exits, even if work is still running. */
export type Contender<N extends ContenderName> = (job: Job<N>, meter: Meter) => Promise<void>;
