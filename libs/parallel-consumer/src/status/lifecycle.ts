/**
 * - `starting`: not yet a member of the group
 * - `running`: takes records
 * - `draining`: takes no more records, waits for running work, then commits
 * - `stopped`: final; all remaining work is handed over
 * - `failed`: final; a record failed permanently with `onDeadLetter: 'stop'`, and the consumer drains and leaves the group
 */
export type State = 'starting' | 'running' | 'draining' | 'stopped' | 'failed';

const ALLOWED: Record<State, readonly State[]> = {
  starting: ['running', 'draining'],
  running: ['draining', 'failed'],
  draining: ['stopped'],
  stopped: [],
  failed: [],
};

/** The state machine of a consumer. */
export class Lifecycle {
  private current: State = 'starting';

  get state(): State {
    return this.current;
  }

  /** @throws Error for a transition that is not allowed, which is a programming error */
  to(next: State): void {
    if (!ALLOWED[this.current].includes(next))
      throw new Error(`invalid state transition from ${this.current} to ${next}`);
    this.current = next;
  }
}
