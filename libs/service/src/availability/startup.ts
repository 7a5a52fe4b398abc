import { pause, systemClock, type Clock } from '@orders-pipeline/clock';
import { DependencyState, type OutageLog } from './dependency-state.js';
import { explainConnection, isRepairedElsewhere } from './explain-connection.js';

const AGAIN_MS = 1_000;

/** Codes of errors that only other settings or another version of this program fix. */
const REFUSED: ReadonlySet<unknown> = new Set([
  'bad-settings',
  'incompatible-schema',
  'wrong-cluster',
  'wrong-partition-count',
]);

/** Waits for what a service needs before it can serve. Until then the service runs, and is not ready. */
export class Startup {
  readonly outages: DependencyState;

  constructor(
    log: OutageLog,
    private readonly clock: Clock = systemClock,
  ) {
    this.outages = new DependencyState(log, clock);
  }

  /**
   * Repeats an attempt every second until it succeeds.
   * @param name what is waited for, as readiness reports it. @throws the attempt's error if waiting can't help
   */
  async until<T>(name: string, attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        const result = await attempt();
        this.outages.works(name);
        return result;
      } catch (error) {
        if (isRefused(error)) throw error;
        this.outages.failed(name, error);
        await pause(this.clock, AGAIN_MS);
      }
    }
  }
}

/** Returns whether a failure stays as long as this process has its settings, such as a wrong password. */
export function isRefused(error: unknown): boolean {
  if (error instanceof Error && 'code' in error && REFUSED.has(error.code)) return true;
  return explainConnection(error) !== undefined && !isRepairedElsewhere(error);
}
