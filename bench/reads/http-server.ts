import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Pool } from 'undici';
import { heapFlags, type Heap } from '../../dev/supervisor/app-process.js';
import { readProcessFigures, type ProcessFigures } from '../harness/process-figures.js';

export interface HttpServerOptions {
  /** Sends `{type: 'listening', url}` to its parent when ready, and exits with its parent, as the apps do. */
  readonly script: string;
  readonly heap: Heap;
  readonly env: NodeJS.ProcessEnv;
  /** Maximum number of concurrent requests. */
  readonly connections: number;
}

/** A server in a separate process, and the connections to it. */
export class HttpServer {
  private constructor(
    private readonly child: ChildProcess,
    readonly url: string,
    readonly pool: Pool,
  ) {}

  /** Resolves when the server is ready. @throws Error when it exits before */
  static async start({ script, heap, env, connections }: HttpServerOptions): Promise<HttpServer> {
    const child = fork(script, [], {
      execArgv: heapFlags(heap),
      env: { ...process.env, DRAIN_GRACE_SECONDS: '0', ...env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${script} exited with ${String(code)} before it was ready`);
    });
    const [message] = (await Promise.race([once(child, 'message'), ended])) as [{ url: string }];
    ended.catch(() => undefined);
    return new HttpServer(child, message.url, new Pool(message.url, { connections, pipelining: 1 }));
  }

  /** Returns memory and CPU time of the process. @throws Error when it has exited */
  async figures(): Promise<ProcessFigures> {
    const figures = await readProcessFigures(this.child.pid ?? 0);
    if (figures === undefined) throw new Error('the server has exited');
    return figures;
  }

  /** Sends a GET and returns the body. @throws Error for a status other than 200 */
  async text(path: string): Promise<string> {
    const { statusCode, body } = await this.pool.request({ method: 'GET', path });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`${path}: ${statusCode} ${text}`);
    return text;
  }

  /** Sends a POST with a JSON body. @throws Error for a status other than 2xx */
  async post(path: string, json: string): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    const { statusCode, body } = await this.pool.request({ method: 'POST', path, headers, body: json });
    const text = await body.text();
    if (statusCode < 200 || statusCode > 299) throw new Error(`${path}: ${statusCode} ${text}`);
  }

  async stop(): Promise<void> {
    await this.pool.close();
    const exit = once(this.child, 'exit');
    this.child.kill('SIGTERM');
    await exit;
  }
}
