import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { pause, systemClock } from '@orders-pipeline/clock';
import { Pool } from 'undici';
import { PROJECT_DIRECTORY } from '../dev/project-directory.js';
import {
  consumerHeap,
  LEGACY_HEAP,
  PRODUCER_HEAP,
  QUERY_API_HEAP,
  SERVICE_HEAP,
} from '../dev/supervisor/app-definitions.js';
import { type Heap, heapFlags } from '../dev/supervisor/apps.js';
import type { BareServer } from './bare-server.js';
import { Hundredths, type Measurement, type Sample } from './measurement.js';
import { figuresOf, type ProcessFigures } from './process-watch.js';

interface HttpServerOptions {
  /** Sends `{type: 'listening', url}` to its parent when ready, and exits with its parent, as the apps do. */
  readonly script: readonly string[];
  readonly args?: readonly string[];
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

  /** Resolves when the server is ready. @param script its path in `dist` @throws Error when it exits before */
  static async start({ script, args = [], heap, env, connections }: HttpServerOptions): Promise<HttpServer> {
    const path = join(PROJECT_DIRECTORY, 'dist', ...script);
    const child = fork(path, args, {
      execArgv: heapFlags(heap),
      env: { ...process.env, DRAIN_GRACE_SECONDS: '0', MALLOC_ARENA_MAX: '2', ...env },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const ended = once(child, 'exit').then(([code]) => {
      throw new Error(`${path} exited with ${String(code)} before it was ready`);
    });
    const [message] = (await Promise.race([once(child, 'message'), ended])) as [{ url: string }];
    ended.catch(() => undefined);
    return new HttpServer(child, message.url, new Pool(message.url, { connections, pipelining: 1 }));
  }

  /** Returns memory and CPU time of the process. @throws Error when it has exited */
  async figures(): Promise<ProcessFigures> {
    return figuresOf(this.child.pid ?? 0);
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

const HEAPS = {
  producer: () => PRODUCER_HEAP,
  consumer: consumerHeap,
  'query-api': () => QUERY_API_HEAP,
  facade: () => SERVICE_HEAP,
  legacy: () => LEGACY_HEAP,
} as const;

/** Starts an app as `npm start` does, on a free port. The rate limiter counts but never rejects. */
export async function startApp(
  app: keyof typeof HEAPS,
  connections: number,
  settings: NodeJS.ProcessEnv,
): Promise<HttpServer> {
  return HttpServer.start({
    script: ['apps', app, 'src', 'main.js'],
    heap: HEAPS[app](settings),
    env: { PORT: '0', LOG_LEVEL: 'warn', RATE_LIMIT_PER_MINUTE: '100000000', ...settings },
    connections,
  });
}

/** Starts a server for comparison, with the heap of the app that it is compared with. */
export async function startBare(
  server: BareServer,
  connections: number,
  { heap, env }: Pick<HttpServerOptions, 'heap' | 'env'>,
): Promise<HttpServer> {
  return HttpServer.start({ script: ['bench', 'bare-server.js'], args: [server], heap, env, connections });
}

/** Gives work a server, and stops it afterwards. */
export async function withServer<T>(start: Promise<HttpServer>, work: (server: HttpServer) => Promise<T>): Promise<T> {
  const server = await start;
  try {
    return await work(server);
  } finally {
    await server.stop();
  }
}

/** Returns what came of work, and how much memory and CPU time the server's process needed meanwhile. */
export async function withFigures<T>(server: HttpServer, work: () => Promise<T>) {
  const before = await server.figures();
  const result = await work();
  const { peakRssMiB, cpuSeconds } = await server.figures();
  return { result, figures: { peakRssMiB, cpuSeconds: cpuSeconds - before.cpuSeconds } };
}

const SAMPLE_MS = 1_000;

/**
 * Measures the rate of a server, and the memory and CPU time of its process, while it answers.
 * @param expected number of records or requests
 * @param work sends the requests and reports completed records
 */
export async function measureServer(
  server: HttpServer,
  expected: number,
  work: (finished: (records: number) => void) => Promise<void>,
): Promise<Measurement> {
  const hundredths = new Hundredths(expected);
  const samples: Sample[] = [];
  const startedAt = performance.now();
  const elapsed = (): number => performance.now() - startedAt;
  let records = 0;
  const sample = async (): Promise<void> => {
    const { rssMiB } = await server.figures();
    samples.push({ atMs: elapsed(), rssMiB, finished: records });
  };
  let sampling = Promise.resolve();
  const timer = setInterval(() => {
    sampling = sample();
  }, SAMPLE_MS);
  const counted = async (): Promise<void> => {
    try {
      await work((more) => {
        records += more;
        hundredths.note(records, elapsed());
      });
      await sampling;
    } finally {
      clearInterval(timer);
    }
  };
  const { figures } = await withFigures(server, counted);
  return { records, marks: hundredths.marks, samples, ...figures };
}

/** Sends each request when an earlier one has been answered, and so measures the maximum rate of the server. @param size records of each */
export async function closedLoop(
  server: HttpServer,
  { requests, concurrency, size = 1 }: { requests: number; concurrency: number; size?: number },
  send: (nth: number) => Promise<unknown>,
): Promise<Measurement> {
  return measureServer(server, requests * size, async (finished) => {
    let sent = 0;
    const sendRequests = async (): Promise<void> => {
      while (sent < requests) {
        const nth = sent;
        sent += 1;
        await send(nth);
        finished(size);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, sendRequests));
  });
}

export interface OpenLoop {
  readonly perSecond: number;
  readonly requests: number;
}

/**
 * Sends each request at its scheduled time, even when earlier ones are not answered, and measures the latency from then. So a pause of the
 * server shows in all requests that waited (no coordinated omission). A request exists only from its time on: timers of all of them would
 * make garbage collections of this process long, and count as latency.
 * @returns latency in milliseconds of each request
 */
export async function openLoop(
  { perSecond, requests }: OpenLoop,
  send: (nth: number) => Promise<unknown>,
): Promise<number[]> {
  const latencies = new Float64Array(requests);
  const startedAt = performance.now();
  const answered: Promise<void>[] = [];
  for (let nth = 0; nth < requests; nth += 1) {
    const dueAt = startedAt + (nth / perSecond) * 1_000;
    const early = dueAt - performance.now();
    if (early > 0) await pause(systemClock, early);
    const measure = async (): Promise<void> => {
      // A timer counts whole milliseconds, so that a request may be up to one too early.
      const since = Math.min(dueAt, performance.now());
      await send(nth);
      latencies[nth] = performance.now() - since;
    };
    const answer = measure();
    // Reported at the end.
    answer.catch(() => undefined);
    answered.push(answer);
  }
  await Promise.all(answered);
  return [...latencies];
}
