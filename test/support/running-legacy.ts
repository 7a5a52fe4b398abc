import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';

/** What a client sees of an answer. */
export interface Answer<T = unknown> {
  readonly status: number;
  readonly type: string | null;
  /** When it was sent, by the clock of the process that answered. */
  readonly date: string | null;
  readonly retryAfter: string | null;
  readonly text: string;
  /** The parsed text; `undefined` if it is no JSON. */
  readonly body: T;
}

/** One app of dist/, which must be compiled, as a process of its own on a free port. */
export class RunningApp {
  protected constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    private readonly ended: Promise<unknown[]>,
  ) {}

  /** Starts an app and waits until it listens. @throws with its output if it ends before */
  static async listening(app: string, env: NodeJS.ProcessEnv) {
    const child = spawn(process.execPath, [join(PROJECT_DIRECTORY, `dist/apps/${app}/src/main.js`)], {
      env: { ...process.env, PORT: '0', LOG_LEVEL: 'error', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
    const ended = once(child, 'exit');
    const early = ended.then(([code]) => {
      throw new Error(`the app ${app} ended with ${code}:\n${output}`);
    });
    const [message] = await Promise.race([once(child, 'message'), early]);
    early.catch(() => undefined);
    return [child, (message as { readonly url: string }).url, ended] as const;
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

  /** Ends it by a signal. @returns its exit code; `null` if the signal ended it */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal);
    const [code] = await this.ended;
    return code as number | null;
  }

  private async request<T>(path: string, init: RequestInit): Promise<Answer<T>> {
    const response = await fetch(`${this.url}${path}`, init);
    const type = response.headers.get('content-type');
    const date = response.headers.get('date');
    const retryAfter = response.headers.get('retry-after');
    const text = await response.text();
    return { status: response.status, type, date, retryAfter, text, body: valueOf(text) as T };
  }
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The legacy system alone. */
export class RunningLegacy extends RunningApp {
  static async start(folder: string, env: NodeJS.ProcessEnv = {}): Promise<RunningLegacy> {
    return new RunningLegacy(...(await RunningApp.listening('legacy', { LEGACY_DATA_DIR: folder, ...env })));
  }
}
