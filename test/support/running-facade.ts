import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { MigrationResponse } from '../../apps/facade/src/migration/migration-response.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';

const MAIN = join(PROJECT_DIRECTORY, 'dist/apps/facade/src/main.js');

export interface FacadeAnswer<T = unknown> {
  readonly status: number;
  readonly text: string;
  readonly body: T;
}

/** One facade instance, as a process of its own on a free port. It needs a compiled dist/. */
export class RunningFacade {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    private readonly ended: Promise<unknown[]>,
  ) {}

  /** Starts it and waits until it listens. @throws with its output if it ends before */
  static async start(name: string, env: NodeJS.ProcessEnv): Promise<RunningFacade> {
    const child = spawn(process.execPath, [MAIN], {
      env: { ...process.env, PORT: '0', LOG_LEVEL: 'error', FACADE_INSTANCE: name, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
    const ended = once(child, 'exit');
    const early = ended.then(([code]) => {
      throw new Error(`the facade ended with ${code}:\n${output}`);
    });
    const [message] = await Promise.race([once(child, 'message'), early]);
    early.catch(() => undefined);
    return new RunningFacade(child, (message as { url: string }).url, ended);
  }

  async get<T>(path: string): Promise<FacadeAnswer<T>> {
    return this.request(path, {});
  }

  async post<T>(path: string, body: object | string = {}): Promise<FacadeAnswer<T>> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    return this.request(path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: text });
  }

  /** Moves a capability. */
  async move(capability: string, stage: string, more: object = {}): Promise<FacadeAnswer<MigrationResponse>> {
    return this.post(`/v1/migration/${capability}`, { stage, reason: 'test', ...more });
  }

  /** @throws Error if it does not answer with 200 */
  async state(): Promise<MigrationResponse> {
    const { status, text, body } = await this.get<MigrationResponse>('/v1/migration');
    if (status !== 200) throw new Error(text);
    return body;
  }

  /** Ends it by a signal. @returns its exit code; `null` if the signal ended it */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal);
    const [code] = await this.ended;
    return code as number | null;
  }

  private async request<T>(path: string, init: RequestInit): Promise<FacadeAnswer<T>> {
    const response = await fetch(`${this.url}${path}`, init);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') ?? false;
    return { status: response.status, text, body: (isJson ? JSON.parse(text) : undefined) as T };
  }
}
