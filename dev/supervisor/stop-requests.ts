import { StackError } from '../stack-error.js';

const SAME_KEYPRESS_MS = 300;
const PARENT_CHECK_MS = 500;

/** The reactions to the first, the second and the third stop request. */
export interface StopReactions {
  readonly first: (reason: string) => void;
  readonly again: () => void;
  readonly force: () => void;
}

/**
 * Counts stop requests. Under npm, one Ctrl-C arrives twice, from the terminal and from npm, so requests within 300 ms of
 * the previous one are ignored.
 */
export class StopCounter {
  private count = 0;
  private lastAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly reactions: StopReactions,
    private readonly now: () => number = () => performance.now(),
  ) {}

  request(reason: string): void {
    const at = this.now();
    if (at - this.lastAt < SAME_KEYPRESS_MS) return;
    this.lastAt = at;
    this.count += 1;
    if (this.count === 1) this.reactions.first(reason);
    else if (this.count === 2) this.reactions.again();
    else this.reactions.force();
  }
}

/**
 * Turns signals, and the end of npm, into stop requests. package.json uses `exec`: a shell in between would not forward
 * npm's SIGINT, and would survive when npm is killed.
 */
export function listenForStops(counter: StopCounter, env: NodeJS.ProcessEnv): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => counter.request(signal));
  // A killed npm forwards no signal. Without npm, such as under nohup, the end of the parent process has no meaning.
  if (env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    counter.request('npm ended');
  }, PARENT_CHECK_MS);
  watch.unref();
}

/** A tool that stop requests end. */
export interface Interruption {
  /** Aborts on the first stop request. */
  readonly signal: AbortSignal;
  /** Sets what the third request calls, which ends everything at once. There is nothing to end before. */
  readonly onForce: (kill: () => void) => void;
}

/** @param what ends, such as `The demo` */
export function interruption(what: string, print: (line: string) => void): Interruption {
  let kill: (() => void) | undefined;
  const interrupted = new AbortController();
  const counter = new StopCounter({
    first: (reason) => interrupted.abort(new StackError('interrupted', `${what} was ended (${reason}).`, '')),
    again: () => print('still stopping; one more request ends everything at once'),
    force: () => {
      kill?.();
      process.exit(1);
    },
  });
  listenForStops(counter, process.env);
  return {
    signal: interrupted.signal,
    onForce: (killAll) => {
      kill = killAll;
    },
  };
}
