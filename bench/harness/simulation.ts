import type { Result } from './benchmark.js';

/** A benchmark in simulated time: it needs no servers, and gives the same figures on every machine. */
export interface Simulation {
  readonly name: string;
  /** What is measured, and what it is compared with. */
  readonly about: string;
  /** @param quick smoke run */
  simulate(quick: boolean): Result;
}
