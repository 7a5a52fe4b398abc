import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { signalIfRunning } from '../machine/process-table.js';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { AppLogView } from './app-log-view.js';
import type { AppDefinition, AppEnvironment } from './app-process.js';
import { App } from './app.js';

const POLL_MS = 10;
/** Clean endings of a stopped app. SIGTERM itself ends an app that has just started and has no handler yet. */
const CLEAN_ENDINGS = new Set(['exit code 0', 'SIGTERM']);

export interface RunningAppsOptions extends Partial<Pick<AppEnvironment, 'onListening' | 'onRequest' | 'view'>> {
  /** The environment of the servers that they use. */
  readonly surroundings: Pick<AppEnvironment, 'records' | 'guard'>;
  readonly print: (line: string) => void;
  /** Folder of the compiled product. Default: `dist` of this project. */
  readonly productDirectory?: string;
  /** Called for an app that ended without being stopped or killed by `kill`, and for one that was stopped and did not end cleanly. */
  readonly onEnded?: (name: string, how: string, wasStopped: boolean) => void;
}

/**
 * The apps of a system, each with a name of its own. An app that ends is started again. Their output is in their log files; the error of one
 * that doesn't start has its last lines.
 */
export class RunningApps {
  private readonly apps = new Map<string, App>();
  private readonly killed = new Set<string>();

  constructor(private readonly options: RunningAppsOptions) {}

  /** Resolves when all of them are ready. @throws StackError of the first that can't start */
  async start(...definitions: readonly AppDefinition[]): Promise<void> {
    await Promise.all(definitions.map(async (definition) => this.make(definition).start()));
  }

  /** Adds an app that the caller starts. An app of the same name is replaced, which must have been stopped. */
  make(definition: AppDefinition): App {
    const { surroundings, print, productDirectory = join(PROJECT_DIRECTORY, 'dist') } = this.options;
    const script = join(productDirectory, definition.script.slice(join(PROJECT_DIRECTORY, 'dist').length));
    const environment = {
      ...surroundings,
      view: this.options.view ?? new AppLogView(() => undefined, false),
      onListening: this.options.onListening ?? (() => undefined),
      onRequest: this.options.onRequest ?? (() => undefined),
      onEnded: ({ name }: AppDefinition, ending: string, wasStopped: boolean) => this.ended(name, ending, wasStopped),
    };
    const app = new App({ ...definition, script }, environment, print);
    this.apps.set(definition.name, app);
    return app;
  }

  get all(): readonly App[] {
    return [...this.apps.values()];
  }

  /** The addresses of the apps of a kind that listen. */
  urlsOf(job: string): string[] {
    return this.all.filter((app) => app.job === job).flatMap(({ url }) => url ?? []);
  }

  /** @throws RangeError if no process of this name runs */
  pid(name: string): number {
    const found = this.options.surroundings.records.running().find((record) => record.name === name);
    if (found === undefined) throw new RangeError(`no process named ${name} runs`);
    return found.pid;
  }

  /**
   * Kills an app by SIGKILL. It is started again.
   * @returns the pid of the process, once it has ended
   * @throws RangeError, at once, if no process of this name runs
   */
  kill(name: string): Promise<number> {
    const pid = this.pid(name);
    this.killed.add(name);
    signalIfRunning(pid, 'SIGKILL');
    return this.gone(pid);
  }

  /** Suspends an app's process until `resume` or `kill`. */
  pause(name: string): void {
    signalIfRunning(this.pid(name), 'SIGSTOP');
  }

  resume(name: string): void {
    signalIfRunning(this.pid(name), 'SIGCONT');
  }

  /**
   * Drains apps for good, all at the same time.
   * @param budgetMs how long that may take before one is killed
   * @returns the names of those that were killed
   */
  async stop(apps: readonly App[], budgetMs: number): Promise<string[]> {
    const drained = await Promise.all(apps.map(async (app) => app.stop(budgetMs)));
    for (const app of apps) if (this.apps.get(app.name) === app) this.apps.delete(app.name);
    return apps.filter((_, at) => drained[at] === false).map(({ name }) => name);
  }

  /** Drains all and starts them again, with the current code on disk. */
  async restart(budgetMs: number): Promise<void> {
    await Promise.all(this.all.map(async (app) => app.restart(budgetMs)));
  }

  /** Kills all at once. */
  killAll(): void {
    for (const app of this.all) app.kill();
  }

  private async gone(pid: number): Promise<number> {
    while (this.options.surroundings.records.running().some((record) => record.pid === pid)) await delay(POLL_MS);
    return pid;
  }

  private ended(name: string, ending: string, wasStopped: boolean): void {
    const wasKilled = ending === 'SIGKILL' && this.killed.delete(name);
    if (wasKilled || (wasStopped && CLEAN_ENDINGS.has(ending))) return;
    this.options.onEnded?.(name, `${wasStopped ? 'was stopped, and ' : ''}ended with ${ending}`, wasStopped);
  }
}
