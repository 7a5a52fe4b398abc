import { once } from 'node:events';
import { connect } from 'node:net';
import { pause, systemClock } from '@orders-pipeline/clock';
import { createDraws } from '#orders/generator/seeded-random.js';
import { ordersCollection } from '#orders/order/order-document.js';
import { QUERY_API_HEAP } from '../dev/supervisor/app-definitions.js';
import type { Bench, Benchmark } from './bench.js';
import { type Candidate, contest } from './contest.js';
import {
  closedLoop,
  type HttpServer,
  measureServer,
  openLoop,
  startApp,
  startBare,
  withFigures,
  withServer,
} from './http-server.js';
import { lastQuarterAgainstSecond, type Measurement, ratePerSecond, runOf } from './measurement.js';
import { atMost, comparedWith, isNoisy, measured, median, type Outcome, percentile, valuesOf } from './result.js';
import type { SavedOrdersDataset } from './saved-orders.js';
import { compareWithout } from './slow-clients.js';
import { withMongo } from './stacks.js';

// The query API over ten million orders.

/** Gives work a query API over the saved orders. */
async function withQueryApi<T>(
  bench: Bench,
  connections: number,
  work: (server: HttpServer, saved: SavedOrdersDataset) => Promise<T>,
  settings: NodeJS.ProcessEnv = {},
): Promise<T> {
  const saved = await bench.savedOrders();
  const server = startApp('query-api', connections, { MONGODB_URI: saved.uri, ...settings });
  return withServer(server, async (started) => work(started, saved));
}

/** Uniformly random over all orders, so that most are not in MongoDB's cache. */
function randomPath({ count, idAt }: SavedOrdersDataset): (nth: number) => string {
  const draw = createDraws(1);
  return (nth) => `/v1/orders/${idAt(draw(0, nth, count))}`;
}

const CONCURRENCY = 32;

function byId(label: string, requests: number, start: () => Promise<HttpServer>, saved: SavedOrdersDataset): Candidate {
  const pathAt = randomPath(saved);
  const load = { requests, concurrency: CONCURRENCY };
  return {
    label,
    run: async () =>
      withServer(start(), async (server) => closedLoop(server, load, async (nth) => server.text(pathAt(nth)))),
  };
}

/** Measures the overhead of NestJS, validation and headers in addition to the read. */
const readsById: Benchmark = {
  name: 'reads-by-id',
  about: `requests for one random order by id, compared with a plain Node HTTP server with the same findOne`,
  measure: async (bench) => {
    const saved = await bench.savedOrders();
    const env = { MONGODB_URI: saved.uri };
    const requests = bench.quick ? 4_000 : 40_000;
    const queryApi = async () => startApp('query-api', CONCURRENCY, env);
    const bare = async () => startBare('find-one', CONCURRENCY, { heap: QUERY_API_HEAP, env });
    return contest({
      ...readsById,
      unit: 'requests/s',
      subject: () => [byId('query API', requests, queryApi, saved)],
      limit: () => [byId('bare server', requests, bare, saved)],
      times: 5,
      warmUp: 25,
      requiredRatio: 0.85,
      notes: [`${CONCURRENCY} concurrent requests over ${saved.count} orders`],
    }).measure(bench);
  },
};

const PER_SECOND = 200;

/** Measures the latency at a rate that the server can sustain. */
const readsByIdLatency: Benchmark = {
  name: 'reads-by-id-latency',
  about: `99th percentile latency of requests for one order by id, at ${PER_SECOND} per second`,
  measure: async (bench) =>
    withQueryApi(bench, CONCURRENCY, async (server, saved) => {
      const pathAt = randomPath(saved);
      const read = async (nth: number): Promise<string> => server.text(pathAt(nth));
      await closedLoop(server, { requests: 4_000, concurrency: CONCURRENCY }, read);
      const load = { perSecond: PER_SECOND, requests: PER_SECOND * (bench.quick ? 5 : 60) };
      const { result: latencies, figures } = await withFigures(server, async () => openLoop(load, read));
      const [p50, p999, longest] = [50, 99.9, 100].map((part) => percentile(latencies, part).toFixed(1));
      return atMost(10, {
        unit: 'ms',
        subject: [{ contender: 'query API', value: percentile(latencies, 99), ...figures }],
        notes: [`latency from the scheduled time; p50 ${p50} ms, p99.9 ${p999} ms, maximum ${longest} ms`],
      });
    }),
};

const PAGE = 100;
/** Requests per page and round; their median counts. */
const PAGE_TIMES = 20;
const PAGE_WARM_UP = 300;
/** Rounds with a skip, which takes seconds. */
const SKIPS = 3;

async function page(server: HttpServer, number: number): Promise<void> {
  const text = await server.text(`/v1/orders?page=${number}&pageSize=${PAGE}`);
  if (!text.includes(`"number":${(number - 1) * PAGE + 1},`)) throw new Error(`page ${number} has unexpected orders`);
}

/** Returns the median duration in milliseconds. */
async function medianOf(times: number, request: () => Promise<unknown>): Promise<number> {
  const taken: number[] = [];
  for (let time = 0; time < times; time += 1) {
    const startedAt = performance.now();
    await request();
    taken.push(performance.now() - startedAt);
  }
  return median(taken);
}

/** Compares the last page, in turns, with another way to read orders. */
async function lastPage(
  bench: Bench,
  { rounds, requiredRatio, notes }: { rounds: number; requiredRatio: number; notes: readonly string[] },
  otherMs: (server: HttpServer, saved: SavedOrdersDataset) => Promise<number>,
): Promise<Outcome> {
  return withQueryApi(bench, 1, async (server, saved) => {
    for (let time = 0; time < PAGE_WARM_UP; time += 1) await page(server, 1 + time);
    const [limits, deep]: [number[], number[]] = [[], []];
    for (let round = 0; round < rounds; round += 1) {
      limits.push(await otherMs(server, saved));
      deep.push(await medianOf(PAGE_TIMES, async () => page(server, Math.ceil(saved.count / PAGE))));
    }
    const { peakRssMiB, cpuSeconds } = await server.figures();
    const subject = deep.map((value) => ({ contender: 'query API', value, peakRssMiB, cpuSeconds }));
    return comparedWith(limits, { unit: 'ms', subject, requiredRatio, notes }, true);
  });
}

/** Compares page 100,000 with page 1. */
const readsPageDepth: Benchmark = {
  name: 'reads-page-depth',
  about: `the last numbered page of ${PAGE} orders, compared with page 1`,
  measure: async (bench) => {
    const notes = [`the last page compared with page 1, each the median of ${PAGE_TIMES} requests, alternating`];
    // The last page may take 1.2 times as long.
    const judged = { rounds: bench.quick ? 4 : 20, requiredRatio: 1 / 1.2, notes };
    return lastPage(bench, judged, async (server) => medianOf(PAGE_TIMES, async () => page(server, 1)));
  },
};

/** Compares the last page with `skip` and `limit`, the usual implementation. */
const readsPageSkip: Benchmark = {
  name: 'reads-page-skip',
  about: `the last numbered page of ${PAGE} orders, compared with skip and limit over the same index`,
  measure: async (bench) => {
    // With fewer orders there is less to skip.
    const requiredRatio = bench.quick ? 1 : 100;
    const judged = { rounds: SKIPS, requiredRatio, notes: ['the skip is a plain find of the driver'] };
    const { uri, count } = await bench.savedOrders();
    return withMongo(uri, async ({ db }) => {
      const all = () => ordersCollection(db).find({}).sort({ number: 1 });
      const skipped = async (): Promise<unknown> =>
        all()
          .skip(count - PAGE)
          .limit(PAGE)
          .toArray();
      return lastPage(bench, judged, async () => medianOf(1, skipped));
    });
  },
};

/** Requests during which V8 compiles. */
const WALK_WARM_UP = 100;
const PARTS = 10;

/** Reads all pages by cursor. The last tenth may take 1.2 times as long as the first. */
function walk(name: string, about: string, path: string): Benchmark {
  return {
    name,
    about,
    measure: async (bench) =>
      withQueryApi(bench, 1, async (server) => {
        const size = bench.quick ? 100 : 1_000;
        const beginning = `${path}pageSize=${size}`;
        for (let time = 0; time < WALK_WARM_UP; time += 1) await server.text(beginning);
        const { result, figures } = await withFigures(server, async () => readAllPages(server, beginning));
        const { pages, orders } = result;
        const tenths = tenthsOf(pages);
        const [first = Number.NaN, last = Number.NaN] = [tenths[0], tenths.at(-1)];
        return measured({
          unit: 'ms/page',
          subject: [{ contender: 'query API', value: last, ...figures }],
          limit: first,
          ratio: first / last,
          ratioRange: [first / Math.max(...tenths), first / Math.min(...tenths)],
          requiredRatio: 1 / 1.2,
          notes: [
            `${orders} orders on ${pages.length} pages of ${size}, each returned once; medians of tenths of the pages`,
          ],
        });
      }),
  };
}

/**
 * Reads all pages. @throws Error when an order is duplicated or out of order: in this dataset dates rise with numbers
 * @returns the duration of each page in milliseconds, in order, and the number of orders
 */
async function readAllPages(server: HttpServer, beginning: string) {
  const pages: number[] = [];
  let orders = 0;
  let lastNumber = 0;
  for (let next: string | undefined = beginning; next !== undefined;) {
    const startedAt = performance.now();
    const text: string = await server.text(next);
    pages.push(performance.now() - startedAt);
    const { items, page: at } = JSON.parse(text) as { items: { number: number }[]; page: { next?: string } };
    for (const { number } of items) {
      if (number <= lastNumber) throw new Error(`order ${number} comes after order ${lastNumber}`);
      lastNumber = number;
    }
    orders += items.length;
    next = at.next;
  }
  return { pages, orders };
}

/** Returns the medians of ten equal parts. The last page may be short, which does not affect a median. */
function tenthsOf(pages: readonly number[]): number[] {
  const size = Math.floor(pages.length / PARTS);
  if (size === 0) throw new RangeError(`${pages.length} pages are too few for ${PARTS} parts`);
  return Array.from({ length: PARTS }, (_, part) => median(pages.slice(part * size, (part + 1) * size)));
}

const EXPORTED = 2_000_000;

/** Measures an export: in addition to the cursor it decodes, writes JSON and sends it. */
const readsExport = contest({
  name: 'reads-export',
  about: `an export as NDJSON, compared with a plain cursor of the driver over the same orders in the same order`,
  subject: (bench) => [{ label: 'export', run: async () => exported(bench, EXPORTED) }],
  limit: (bench) => {
    const options = { records: EXPORTED, timeoutMs: 300_000 };
    return [{ label: 'bare-cursor', run: async () => bench.runOnSaved('bare-cursor', {}, options) }];
  },
  times: 3,
  warmUp: 20,
  requiredRatio: 0.7,
});

/** Measures memory while exporting all orders. */
const readsExportMemory: Benchmark = {
  name: 'reads-export-memory',
  about: 'memory of the query API while exporting all orders, last quarter compared with the second',
  measure: async (bench) => {
    const { count } = await bench.savedOrders();
    const found = await exported(bench, count);
    if (found.records !== count) throw new Error(`${found.records} of ${count} orders were exported`);
    const rssMiB = found.samples.map((sample) => Math.round(sample.rssMiB));
    const growth = lastQuarterAgainstSecond(rssMiB);
    const outcome = atMost(1.1, {
      unit: 'last / second',
      subject: [{ ...runOf('export', growth ?? Number.NaN, found), rssMiB }],
      notes: [
        `${count} orders, ${Math.round(ratePerSecond(found, 0, 100))} a second`,
        ...(growth === undefined ? ['the run is too short for a verdict'] : []),
      ],
    });
    return growth === undefined ? { ...outcome, ratio: null } : outcome;
  },
};

const LINE_END = 0x0a;

/** Reads an export of the first orders as fast as possible, and counts its lines. */
async function exported(bench: Bench, orders: number): Promise<Measurement> {
  return withQueryApi(bench, 1, async (server, { count }) => {
    const last = Math.min(orders, count);
    return measureServer(server, last, async (finished) => {
      const path = `/v1/orders/export?format=ndjson&number[lte]=${last}`;
      const { statusCode, body } = await server.pool.request({ method: 'GET', path });
      if (statusCode !== 200) throw new Error(`${path}: ${statusCode} ${await body.text()}`);
      for await (const chunk of body as AsyncIterable<Buffer>) finished(linesIn(chunk));
    });
  });
}

function linesIn(chunk: Buffer): number {
  let lines = 0;
  for (let at = chunk.indexOf(LINE_END); at !== -1; at = chunk.indexOf(LINE_END, at + 1)) lines += 1;
  return lines;
}

const RESTART_POLL_MS = 10;
/** Longer than the interval in which the watermark is stored. */
const STORED_MS = 6_000;

/** Restarts the query API with all orders saved: from the start of its process until it is ready and knows the watermark. */
const readsRestart: Benchmark = {
  name: 'reads-restart',
  about: 'start of the query API over ten million orders, until it is ready and its watermark is complete; at most 3 s',
  measure: async (bench) => {
    const first = await restart(bench, STORED_MS);
    const restarts = await bench.repeat(5, async () => restart(bench));
    const limits = restarts.map(() => 3);
    const subject = restarts.map(({ complete: value }) => ({ contender: 'query API', value, ...first.figures }));
    const count = (await bench.savedOrders()).count.toLocaleString('en-US');
    const noisy = isNoisy(valuesOf(subject));
    const notes = [
      `${count} orders; ready after ${median(restarts.map(({ ready }) => ready)).toFixed(1)} s`,
      `without a stored watermark: ready after ${first.ready.toFixed(1)} s, complete after ${first.complete.toFixed(1)} s`,
    ];
    return comparedWith(limits, { unit: 's', subject, requiredRatio: 1, noisy, notes }, true);
  },
};

/** @returns the seconds until it was ready, and until its watermark was complete, and what it needed until `waitMs` later */
async function restart(bench: Bench, waitMs = 0) {
  const { count } = await bench.savedOrders();
  const startedAt = performance.now();
  const elapsed = (): number => (performance.now() - startedAt) / 1_000;
  return withQueryApi(bench, 1, async (server) => {
    await server.text('/health/ready');
    const ready = elapsed();
    while ((await watermark(server)) < count) await pause(systemClock, RESTART_POLL_MS);
    const complete = elapsed();
    await pause(systemClock, waitMs);
    const { peakRssMiB, cpuSeconds } = await server.figures();
    return { ready, complete, figures: { peakRssMiB, cpuSeconds } };
  });
}

async function watermark({ url }: HttpServer): Promise<number> {
  const response = await fetch(`${url}/v1/orders?page=1&pageSize=1`);
  await response.arrayBuffer();
  return Number(response.headers.get('x-complete-through'));
}

const EXPORT_CALLERS = 4;
/** The limit of one caller. */
const EXPORTS_PER_CALLER = 8;
const IDLE_CHECK_MS = 1_000;
const IDLE_CPU_SECONDS = 0.1;

/** Measures what clients that begin an export and read nothing cost the others. */
const unreadExports: Benchmark = {
  name: 'unread-exports',
  about: `99th percentile latency of requests for one order by id, at ${PER_SECOND} per second, while 32 exports of four callers are not read`,
  measure: async (bench) =>
    // The query API trusts this machine as a proxy: it then counts the callers by their forwarded addresses.
    withQueryApi(
      bench,
      256,
      async (server, saved) => {
        const pathAt = randomPath(saved);
        return compareWithout(bench, {
          server,
          perSecond: PER_SECOND,
          send: async (nth) => server.text(pathAt(nth)),
          disturb: async () => beginExports(server),
        });
      },
      { TRUST_PROXY: '127.0.0.1' },
    ),
};

/** Begins exports of which nothing is read. @returns a function that ends the clients, and says how many exports the service has cut before */
async function beginExports(server: HttpServer): Promise<() => Promise<string>> {
  const { hostname, port } = new URL(server.url);
  const sockets = Array.from({ length: EXPORT_CALLERS * EXPORTS_PER_CALLER }, (_, nth) => {
    const socket = connect(Number(port), hostname);
    const caller = `192.0.2.${1 + (nth % EXPORT_CALLERS)}`;
    // The service resets the connection; this client notices it at its end.
    socket.on('error', () => undefined);
    const head = `GET /v1/orders/export?format=ndjson HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: ${caller}\r\n\r\n`;
    socket.write(head);
    return socket;
  });
  await Promise.all(sockets.map(async (socket) => once(socket, 'readable')));
  await untilIdle(server);
  return async () => {
    const open = /^query_api_exports_open (\d+)$/m.exec(await server.text('/metrics'))?.[1];
    for (const socket of sockets) socket.destroy();
    return `${sockets.length - Number(open)} of ${sockets.length} exports were cut`;
  };
}

/** Waits until the service has filled the buffers of the kernel with the exports, and works no more. */
async function untilIdle(server: HttpServer): Promise<void> {
  for (let before = Number.NEGATIVE_INFINITY; ;) {
    const { cpuSeconds } = await server.figures();
    if (cpuSeconds - before < IDLE_CPU_SECONDS) return;
    before = cpuSeconds;
    await pause(systemClock, IDLE_CHECK_MS);
  }
}

export const READ_BENCHMARKS: readonly Benchmark[] = [
  readsById,
  readsByIdLatency,
  readsPageDepth,
  readsPageSkip,
  walk('reads-walk', 'cursor pagination over all orders, last tenth compared with the first', '/v1/orders?'),
  // By another index, whose orders are not adjacent on disk.
  walk(
    'reads-walk-filtered',
    'cursor pagination over all orders of one symbol by date, last tenth compared with the first',
    '/v1/orders?symbol=ACME&sort=createdAt&',
  ),
  readsExport,
  readsExportMemory,
  readsRestart,
  unreadExports,
];
