import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Pool } from 'undici';
import { heapFlags, type Heap } from '../../dev/supervisor/app-process.js';
import { readProcessFigures, type ProcessFigures } from '../harness/process-figures.js';

export interface HttpServerOptions {
  /** Tells `{type: 'listening', url}` once it serves, and ends with the process that started it, as the apps do. */
  readonly script: string;
  readonly heap: Heap;
  readonly env: NodeJS.ProcessEnv;
  /** Requests that are on their way at once, at the most. */
  readonly connections: number;
}

/** A server in a process of its own, and the connections to it. */
export class HttpServer {
  private constructor(
    private readonly child: ChildProcess,
    readonly pool: Pool,
  ) {}

  /** Resolves once it serves. @throws Error when it ends before that */
  static async start({ script, heap, env, connections }: HttpServerOptions): Promise<HttpServer> {
    const child = fork(script, [], {
      execArgv: heapFlags(heap),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${script} ended with ${String(code)} before it served`);
    });
    const [message] = (await Promise.race([once(child, 'message'), ended])) as [{ url: string }];
    ended.catch(() => undefined);
    return new HttpServer(child, new Pool(message.url, { connections, pipelining: 1 }));
  }

  /** What the kernel knows of it. @throws Error when it has ended */
  async figures(): Promise<ProcessFigures> {
    const figures = await readProcessFigures(this.child.pid ?? 0);
    if (figures === undefined) throw new Error('the server is gone');
    return figures;
  }

  /** The body of a GET, as text. @throws Error for any other answer than 200 */
  async text(path: string): Promise<string> {
    const { statusCode, body } = await this.pool.request({ method: 'GET', path });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`${path}: ${statusCode} ${text}`);
    return text;
  }

  async stop(): Promise<void> {
    await this.pool.close();
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exit;
  }
}
