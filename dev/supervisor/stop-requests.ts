const SAME_KEYPRESS_MS = 300;
const PARENT_CHECK_MS = 500;

/** How the supervisor is told to stop, and how it answers when it is told again. */
export interface StopAnswers {
  readonly first: (reason: string) => void;
  readonly again: () => void;
  readonly force: () => void;
}

/**
 * Counts requests to stop. One Ctrl-C arrives twice under npm, from the terminal and from npm itself, so what follows
 * within 300 ms is the same request.
 */
export class StopCounter {
  private count = 0;
  private lastAt = Number.NEGATIVE_INFINITY;

  constructor(
    private readonly answers: StopAnswers,
    private readonly now: () => number = () => performance.now(),
  ) {}

  request(reason: string): void {
    const at = this.now();
    if (at - this.lastAt < SAME_KEYPRESS_MS) return;
    this.lastAt = at;
    this.count += 1;
    if (this.count === 1) this.answers.first(reason);
    else if (this.count === 2) this.answers.again();
    else this.answers.force();
  }
}

/**
 * Turns signals, and the end of npm, into requests to stop. package.json runs this with `exec`: a shell between would keep
 * npm's SIGINT to itself, and live on when npm is killed.
 */
export function listenForStops(counter: StopCounter, env: NodeJS.ProcessEnv): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => counter.request(signal));
  // A killed npm forwards nothing. Without npm, as under nohup, the parent may well end before us and mean nothing by it.
  if (env['npm_lifecycle_event'] === undefined) return;
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === parent) return;
    clearInterval(watch);
    counter.request('the end of npm');
  }, PARENT_CHECK_MS);
  watch.unref();
}
