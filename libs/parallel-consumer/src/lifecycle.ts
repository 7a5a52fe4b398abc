/**
 * - `starting`: not a member of the group yet
 * - `running`: takes records
 * - `draining`: takes nothing new, lets running work end, then commits
 * - `stopped`: the end, all handed over
 * - `failed`: halted by a record that may not be dead-lettered (`onDeadLetter: 'stop'`); it has drained and left the group
 */
export type State = 'starting' | 'running' | 'draining' | 'stopped' | 'failed';

const ALLOWED: Record<State, readonly State[]> = {
  starting: ['running', 'draining'],
  running: ['draining', 'failed'],
  draining: ['stopped'],
  stopped: [],
  failed: [],
};

/** The states of a consumer and the moves between them; a move that isn't listed is a defect and throws. */
export class Lifecycle {
  private current: State = 'starting';

  get state(): State {
    return this.current;
  }

  to(next: State): void {
    if (!ALLOWED[this.current].includes(next)) throw new Error(`a ${this.current} consumer can't become ${next}`);
    this.current = next;
  }
}
