import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';

const MAIN = join(PROJECT_DIRECTORY, 'dist/apps/legacy/src/main.js');

/** The legacy system alone, as a process of its own on a free port. It needs a compiled dist/. */
export class RunningLegacy {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    private readonly ended: Promise<unknown[]>,
  ) {}

  /** Starts it and waits until it listens. @throws with its output if it ends before */
  static async start(folder: string, env: NodeJS.ProcessEnv = {}): Promise<RunningLegacy> {
    const child = spawn(process.execPath, [MAIN], {
      env: { ...process.env, PORT: '0', LOG_LEVEL: 'error', LEGACY_DATA_DIR: folder, ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
    const ended = once(child, 'exit');
    const early = ended.then(([code]) => {
      throw new Error(`the legacy system ended with ${code}:\n${output}`);
    });
    const [message] = await Promise.race([once(child, 'message'), early]);
    early.catch(() => undefined);
    return new RunningLegacy(child, (message as { url: string }).url, ended);
  }

  async get(path: string): Promise<{ status: number; text: string }> {
    const response = await fetch(`${this.url}${path}`);
    return { status: response.status, text: await response.text() };
  }

  async post(path: string, body?: object): Promise<{ status: number; text: string }> {
    const response = await fetch(`${this.url}${path}`, {
      method: 'POST',
      ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
    return { status: response.status, text: await response.text() };
  }

  /** Ends it by a signal. @returns its exit code; `null` if the signal ended it */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.child.kill(signal);
    const [code] = await this.ended;
    return code as number | null;
  }
}
