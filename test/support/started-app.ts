import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '../../dev/machine/ports.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import type { MigrationResponse } from '../../apps/facade/src/migration/migration-api.js';
import { eventually } from './eventually.js';

/** The reports of a service that is not ready, or an empty object. */
interface Readiness {
  readonly status: number;
  readonly checks: Readonly<
    Record<string, { readonly status: string; readonly reason?: string; readonly since?: string }>
  >;
}

/** What a client sees of an answer. */
export interface Answer<T = unknown> {
  readonly status: number;
  readonly type: string | null;
  readonly retryAfter: string | null;
  readonly text: string;
  /** The parsed text; `undefined` if it is no JSON. */
  readonly body: T;
}

/** Where an app is started from. */
export interface AppPlace {
  /** The folder of the project whose compiled dist/ is used. Default: this one. */
  readonly directory?: string;
  /** Default: any free port. */
  readonly port?: number;
}

/** One app of dist/, which must be compiled, as a process of its own. */
export class StartedApp {
  private text = '';
  private readonly ended: Promise<unknown[]>;

  protected constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (this.text += String(chunk)));
    this.ended = once(child, 'exit');
  }

  /** Starts it on a port that is known, and does not wait until it listens. */
  static async start(app: string, env: NodeJS.ProcessEnv, place: AppPlace = {}): Promise<StartedApp> {
    const { directory = PROJECT_DIRECTORY, port = await freePort() } = place;
    const own = { PATH: process.env['PATH'], PORT: String(port), DRAIN_GRACE_SECONDS: '0', ...env };
    return new StartedApp(spawnApp(app, own, directory), `http://127.0.0.1:${port}`);
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

  async get<T>(path: string): Promise<Answer<T>> {
    return this.request(path, {});
  }

  /** @param body JSON as a text or as its value */
  async post<T>(path: string, body?: object | string): Promise<Answer<T>> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const json = { headers: { 'content-type': 'application/json' }, body: text };
    return this.request(path, { method: 'POST', ...(body !== undefined && json) });
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Returns its exit code; `null` if a signal has ended it. */
  async exitCode(): Promise<number | null> {
    const [code] = await this.ended;
    return code as number | null;
  }

  /** Ends it by a signal. @returns its exit code; `null` if the signal ended it */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.signal(signal);
    return this.exitCode();
  }

  /** Ends it in any state. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  private async request<T>(path: string, init: RequestInit): Promise<Answer<T>> {
    const response = await fetch(`${this.url}${path}`, init);
    const type = response.headers.get('content-type');
    const retryAfter = response.headers.get('retry-after');
    const text = await response.text();
    return { status: response.status, type, retryAfter, text, body: valueOf(text) as T };
  }
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function spawnApp(app: string, env: NodeJS.ProcessEnv, directory = PROJECT_DIRECTORY, ...more: readonly 'ipc'[]) {
  const script = join(directory, `dist/apps/${app}/src/main.js`);
  return spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'pipe', ...more] });
}

/** Starts an app on a free port, and waits until it listens. @throws with its output if it ends before */
export async function listening(app: string, env: NodeJS.ProcessEnv): Promise<[child: ChildProcess, url: string]> {
  const own = { ...process.env, PORT: '0', LOG_LEVEL: 'error', ...env };
  const child = spawnApp(app, own, PROJECT_DIRECTORY, 'ipc');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
  const early = once(child, 'exit').then(([code]) => {
    throw new Error(`the app ${app} ended with ${code}:\n${output}`);
  });
  const [message] = await Promise.race([once(child, 'message'), early]);
  early.catch(() => undefined);
  return [child, (message as { readonly url: string }).url];
}

/** The legacy system alone. */
export class RunningLegacy extends StartedApp {
  /** Resolves when it listens. */
  static override async start(folder: string, env: NodeJS.ProcessEnv = {}): Promise<RunningLegacy> {
    return new RunningLegacy(...(await listening('legacy', { LEGACY_DATA_DIR: folder, ...env })));
  }
}

/** One facade instance. */
export class RunningFacade extends StartedApp {
  /** Resolves when it listens. */
  static override async start(name: string, env: NodeJS.ProcessEnv): Promise<RunningFacade> {
    return new RunningFacade(...(await listening('facade', { FACADE_INSTANCE: name, ...env })));
  }

  /** Moves a capability. */
  async move(capability: string, stage: string, more: object = {}): Promise<Answer<MigrationResponse>> {
    return this.post(`/v1/migration/${capability}`, { stage, reason: 'test', ...more });
  }

  /** @throws Error if it does not answer with 200 */
  async state(): Promise<MigrationResponse> {
    const { status, text, body } = await this.get<MigrationResponse>('/v1/migration');
    if (status !== 200) throw new Error(text);
    return body;
  }
}
