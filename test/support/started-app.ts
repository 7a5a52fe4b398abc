import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '../../dev/machine/ports.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { eventually } from './eventually.js';

/** The reports of a service that is not ready, or an empty object. */
interface Readiness {
  readonly status: number;
  readonly checks: Readonly<
    Record<string, { readonly status: string; readonly reason?: string; readonly since?: string }>
  >;
}

/** Where an app is started from. */
export interface AppPlace {
  /** The folder of the project whose compiled dist/ is used. Default: this one. */
  readonly directory?: string;
  /** Default: any free port. */
  readonly port?: number;
}

/** One service as a process of its own, on a port that is known before it is ready. It needs a compiled dist/. */
export class StartedApp {
  private text = '';
  private readonly ended: Promise<unknown[]>;

  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (this.text += String(chunk)));
    this.ended = once(child, 'exit');
  }

  /** Starts it, and does not wait until it listens. */
  static async start(app: string, env: NodeJS.ProcessEnv, place: AppPlace = {}): Promise<StartedApp> {
    const { directory = PROJECT_DIRECTORY, port = await freePort() } = place;
    const child = spawn(process.execPath, [join(directory, `dist/apps/${app}/src/main.js`)], {
      env: { PATH: process.env['PATH'], PORT: String(port), DRAIN_GRACE_SECONDS: '0', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return new StartedApp(child, `http://127.0.0.1:${port}`);
  }

  /** Returns the parsed log lines so far. */
  get log(): readonly Record<string, unknown>[] {
    const lines = this.text.split('\n').slice(0, -1);
    return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Requests its readiness; status 0 while nothing listens. */
  async readiness(): Promise<Readiness> {
    const response = await fetch(`${this.url}/health/ready`).catch(() => undefined);
    if (response === undefined) return { status: 0, checks: {} };
    const { checks = {} } = (await response.json()) as Partial<Readiness>;
    return { status: response.status, checks };
  }

  /** Waits until the reason of a readiness check matches, and returns it. */
  async reasonOf(check: string, line: RegExp): Promise<string> {
    let reason = '';
    await eventually(`${check} is down because of ${line}`, async () => {
      reason = (await this.readiness()).checks[check]?.reason ?? '';
      return line.test(reason) || { reason };
    });
    return reason;
  }

  async get(path: string): Promise<{ readonly status: number; readonly body: unknown }> {
    const response = await fetch(`${this.url}${path}`);
    return { status: response.status, body: await response.json() };
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Returns its exit code; `null` if a signal has ended it. */
  async exitCode(): Promise<number | null> {
    const [code] = await this.ended;
    return code as number | null;
  }

  /** Ends it in any state. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await this.ended;
  }
}
