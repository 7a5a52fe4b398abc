import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createNetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { pause, systemClock } from '@orders-pipeline/clock';
import { Long } from 'mongodb';
import { fetch } from 'undici';
import { parseStrictJson } from '#legacy/json/strict-json.js';
import { fromLegacy } from '#legacy/translation/from-legacy.js';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { createDraws } from '#orders/generator/seeded-random.js';
import { type OrderDocument, toDocument, ordersCollection } from '#orders/order/order-document.js';
import type { LegacyOrder } from '#orders/order/order.js';
import type { MigrationResponse } from '../apps/facade/src/migration/migration-api.js';
import type { VerificationResponse } from '../apps/facade/src/runs/verification.js';
import { SERVICE_HEAP } from '../dev/supervisor/app-definitions.js';
import type { Bench, Benchmark } from './bench.js';
import { closedLoop, HttpServer, openLoop, startApp, startBare, withFigures } from './http-server.js';
import { atMost, comparedWith, isNoisy, median, percentile, type Run, valuesOf } from './result.js';
import { withMongo } from './stacks.js';

// The facade between a legacy system and a query API that have the same orders.

const PER_PAGE = 1_000;
const ZONE = new LegacyTimeZone('UTC');

/** A legacy system and a query API that have the same orders, and the facades before them. */
interface MigratedSides {
  readonly mongodbUri: string;
  readonly legacy: HttpServer;
  readonly queryApi: HttpServer;
  /** The ids of the orders. */
  readonly ids: readonly string[];
  /** Has a further server stopped at the end. */
  readonly started: (start: Promise<HttpServer>) => Promise<HttpServer>;
  /**
   * Starts a facade as `npm start` does. @param name the instance: several share the migration of one database
   * @param queryApiUrl default: that of the query API
   */
  readonly facade: (name: string, queryApiUrl?: string) => Promise<HttpServer>;
}

/**
 * Runs `work` with both sides, in a database of its own, and stops all servers afterwards.
 * @param orders a multiple of 1,000
 * @param connections the most concurrent requests to each server
 */
async function withMigratedSides<T>(
  bench: Bench,
  { orders, connections }: { readonly orders: number; readonly connections: number },
  work: (sides: MigratedSides) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'orders-bench-legacy-'));
  const servers: HttpServer[] = [];
  const started = async (start: Promise<HttpServer>): Promise<HttpServer> => {
    const server = await start;
    servers.push(server);
    return server;
  };
  const LOG_LEVEL = 'error';
  try {
    return await bench.inOwnDatabase(async (mongodbUri) => {
      const legacy = await started(startApp('legacy', connections, { LEGACY_DATA_DIR: folder, LOG_LEVEL }));
      const ids = await migratedOrders(legacy, mongodbUri, orders);
      const queryApi = await started(startApp('query-api', connections, { MONGODB_URI: mongodbUri }));
      const shared = { MONGODB_URI: mongodbUri, LEGACY_URL: legacy.url, LOG_LEVEL };
      const facade = async (name: string, QUERY_API_URL = queryApi.url): Promise<HttpServer> =>
        started(startApp('facade', connections, { ...shared, FACADE_INSTANCE: name, QUERY_API_URL }));
      return await work({ mongodbUri, legacy, queryApi, ids, started, facade });
    });
  } finally {
    for (const server of servers.toReversed()) await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Has the legacy system generate test orders, and saves them in MongoDB too. @param count a multiple of 1,000 @returns their ids */
async function migratedOrders(legacy: HttpServer, mongodbUri: string, count: number): Promise<readonly string[]> {
  await legacy.post(`/populate?count=${count}`, '');
  return withMongo(mongodbUri, async ({ db }) => {
    const ids: string[] = [];
    for (let page = 1; page <= count / PER_PAGE; page += 1) {
      const parsed = parseStrictJson(await legacy.text(`/orders/page/${page}`));
      const orders = ('value' in parsed ? (parsed.value as unknown[]) : []).map((value) => {
        const read = fromLegacy(value, ZONE);
        if ('reason' in read) throw new Error(JSON.stringify(read.reason));
        return read.order;
      });
      ids.push(...orders.map(({ id }) => id));
      const savedAt = new Date();
      await ordersCollection(db).insertMany(orders.map((order) => documentOf(order, savedAt)));
    }
    return ids;
  });
}

function documentOf(order: LegacyOrder, savedAt: Date): OrderDocument {
  const { number } = order.legacy;
  const ingest = { operationId: null, partition: 0, offset: Long.fromNumber(number), attempts: 1, savedAt };
  return toDocument({ ...order, number }, ingest);
}

async function moveTo(facade: HttpServer, capability: string, stage: string): Promise<void> {
  await facade.post(`/v1/migration/${capability}`, JSON.stringify({ stage, reason: 'benchmark' }));
}

/** Brings reads by id to `shadow`, in all instances within a second: each asks for the state twice a second. */
async function shadowReadsById(facade: HttpServer): Promise<void> {
  await moveTo(facade, 'writes', 'dualwrite');
  await moveTo(facade, 'read-by-id', 'shadow');
}

const PER_SECOND = 500;
const CONNECTIONS = 64;
/** While V8 compiles, and until the breaker to a side that hangs has opened. */
const WARM_UP_REQUESTS = 5_000;

/** How reads are sent: to the legacy system, through a proxy that only passes them on (what any proxy adds), and through the facade. */
type Way = 'direct' | 'bare' | 'shadow' | 'hanging';

interface MeasuredReads {
  /** The latencies of each turn: each way is measured in each turn, one after another. */
  readonly turns: readonly Readonly<Record<Way, readonly number[]>>[];
  readonly facade: { readonly peakRssMiB: number; readonly cpuSeconds: number };
}

/** Measures what the facade adds to a percentile of the reads by id. All four benchmarks share one measurement. */
function addedLatency(name: string, part: number, limit: number, way: 'shadow' | 'hanging'): Benchmark {
  const side = way === 'hanging' ? ', while the target hangs' : '';
  return {
    name,
    about: `added to the p${part} of the legacy system at ${PER_SECOND} reads by id per second, shadow on${side}`,
    measure: async (bench) => {
      const { turns, facade } = await bench.once(measureReads);
      const of = (which: Way): number[] => turns.map((turn) => percentile(turn[which], part));
      const direct = of('direct');
      const addedBy = (which: Way): number[] => of(which).map((ms, at) => ms - (direct[at] ?? Number.NaN));
      const runs = turns.flatMap((_, at): Run[] => [
        { contender: 'legacy system', value: direct[at] ?? Number.NaN, peakRssMiB: 0, cpuSeconds: 0 },
        { contender: `facade (${way})`, value: of(way)[at] ?? Number.NaN, ...facade },
      ]);
      return atMost(limit, {
        unit: 'ms',
        subject: addedBy(way).map((value): Run => Object.assign({ contender: way, value }, facade)),
        noisy: isNoisy(direct),
        runs,
        notes: [
          `p${part} directly ${shown(median(direct))} ms, through the facade ${shown(median(of(way)))} ms; added ${shown(...addedBy(way))} ms`,
          `a proxy that only passes requests on added ${shown(median(addedBy('bare')))} ms: ${shown(...addedBy('bare'))} ms`,
        ],
      });
    },
  };
}

function shown(...values: number[]): string {
  return values.map((ms) => ms.toFixed(2)).join(', ');
}

async function measureReads(bench: Bench): Promise<MeasuredReads> {
  // It accepts connections and never answers.
  const hanging = createNetServer((socket) => socket.on('error', () => socket.destroy()).resume());
  await once(hanging.listen(0, '127.0.0.1'), 'listening');
  hanging.unref();
  const { port } = hanging.address() as AddressInfo;
  const sizes = { orders: bench.quick ? 10_000 : 100_000, connections: CONNECTIONS };
  try {
    return await withMigratedSides(bench, sizes, async ({ legacy, ids, started, facade }) => {
      const shadow = await facade('shadow');
      const proxied = { heap: SERVICE_HEAP, env: { TARGET_URL: legacy.url } };
      const bare = await started(startBare('proxy', CONNECTIONS, proxied));
      const silent = await facade('hanging', `http://127.0.0.1:${port}`);
      await shadowReadsById(shadow);
      const found = await takeTurns(bench, { direct: legacy, bare, shadow, hanging: silent }, ids);
      await requireComparisons(shadow);
      return found;
    });
  } finally {
    hanging.close();
  }
}

async function takeTurns(
  bench: Bench,
  servers: Readonly<Record<Way, HttpServer>>,
  ids: readonly string[],
): Promise<MeasuredReads> {
  const draw = createDraws(1);
  const read = async (server: HttpServer, nth: number): Promise<string> =>
    server.text(`/orders/${ids[draw(0, nth, ids.length)]}`);
  for (const server of Object.values(servers)) {
    const warmUp = { requests: WARM_UP_REQUESTS, concurrency: 4 };
    await closedLoop(server, warmUp, async (nth) => read(server, nth));
  }
  const load = { perSecond: PER_SECOND, requests: PER_SECOND * (bench.quick ? 5 : 20) };
  const at = async (way: Way): Promise<number[]> => {
    const latencies = await openLoop(load, async (nth) => read(servers[way], nth));
    const [p50, p99] = [50, 99].map((part) => percentile(latencies, part).toFixed(2));
    bench.print(`  ${way}: p50 ${p50} ms, p99 ${p99} ms`);
    return latencies;
  };
  const { result: turns, figures: facade } = await withFigures(servers.shadow, async () =>
    bench.repeat(5, async () => ({
      direct: await at('direct'),
      bare: await at('bare'),
      shadow: await at('shadow'),
      hanging: await at('hanging'),
    })),
  );
  return { turns, facade };
}

/** The figures mean nothing if the facade did not compare. @throws Error */
async function requireComparisons(facade: HttpServer): Promise<void> {
  const metrics = await facade.text('/metrics');
  const equal = /^facade_comparisons_total\{capability="read-by-id",outcome="equal"\} (\d+)$/m.exec(metrics)?.[1];
  if (Number(equal ?? 0) > 0 && !/outcome="differs"\} [1-9]/.test(metrics)) return;
  const lines = metrics.split('\n').filter((line) => line.startsWith('facade_'));
  throw new Error(`the facade did not compare:\n${lines.join('\n')}`);
}

/** What a side does wrong: every answer is a 500, comes never, or has another symbol than the saved order. */
const SIDE_FAULTS = ['fails', 'hangs', 'differs'] as const;
type SideFault = (typeof SIDE_FAULTS)[number];

/** A symbol that no order has. */
const WRONG_SYMBOL = 'WRONG';

/** Stands before the query API, and passes everything on until a fault is planted. */
class FaultySide {
  /** The fault of all requests from now on. */
  fault: SideFault | undefined;
  private readonly server = createServer();

  constructor(private readonly target: string) {
    this.server.on('request', (request, response) => {
      this.respond(request, response).catch(() => response.destroy());
    });
  }

  /** @returns its address */
  async listen(): Promise<string> {
    await once(this.server.listen(0, '127.0.0.1'), 'listening');
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** Answers from now on, and ends what hangs, so that the facades probe it again. */
  repair(): void {
    this.fault = undefined;
    this.server.closeAllConnections();
  }

  /** Ends all connections, also those that hang. */
  close(): void {
    this.server.close();
    this.server.closeAllConnections();
  }

  private async respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = 'GET', url = '/', headers } = request;
    const sent = await text(request);
    if (this.fault === 'hangs') return;
    if (this.fault === 'fails') return void response.writeHead(500).end();
    const type = headers['content-type'];
    const answer = await fetch(`${this.target}${url}`, {
      method,
      ...(type !== undefined && { headers: { 'content-type': type } }),
      ...(sent !== '' && { body: sent }),
    });
    const body = await answer.text();
    const given = this.fault === 'differs' ? body.replaceAll(/"symbol":"[^"]+"/g, `"symbol":"${WRONG_SYMBOL}"`) : body;
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' }).end(given);
  }
}

const ROLLBACK_PER_SECOND = 100;
/** How long reads must have been right, before a fault and after it. */
const CALM_MS = 3_000;
/** Longer than an answer can take. */
const GIVE_UP_MS = 30_000;

interface Planted {
  readonly side: FaultySide;
  readonly facades: readonly [HttpServer, HttpServer];
  readonly ids: readonly string[];
}

interface Noticed {
  readonly fault: SideFault;
  /** From the fault until the last read was sent that failed or was wrong, in ms. */
  readonly ms: number;
  /** From the fault until the last such read had its answer. */
  readonly answeredMs: number;
  readonly failed: number;
  readonly wrong: number;
}

/** Plants faults in the target while it answers, and measures how long reads still go there. */
const facadeRollback: Benchmark = {
  name: 'facade-rollback',
  about: `from a fault of the target to the last read that was sent and failed or was wrong, at ${ROLLBACK_PER_SECOND} reads per second through two instances`,
  measure: async (bench) =>
    withMigratedSides(bench, { orders: 10_000, connections: 512 }, async ({ queryApi, ids, facade }) => {
      const side = new FaultySide(queryApi.url);
      const url = await side.listen();
      try {
        const facades = [await facade('one', url), await facade('two', url)] as const;
        await shadowReadsById(facades[0]);
        const noticed = (await bench.repeat(5, async () => plantAll(bench, { side, facades, ids }))).flat();
        const { peakRssMiB, cpuSeconds } = await facades[0].figures();
        const subject = noticed.map(({ fault, ms }) => ({ contender: fault, value: ms, peakRssMiB, cpuSeconds }));
        const notes = ['the value is the longest of all runs', ...SIDE_FAULTS.map((fault) => noteOf(fault, noticed))];
        return atMost(5_000, { unit: 'ms', subject, value: Math.max(...valuesOf(subject)), notes });
      } finally {
        side.close();
      }
    }),
};

function noteOf(fault: SideFault, noticed: readonly Noticed[]): string {
  const of = noticed.filter((each) => each.fault === fault);
  const times = of.map(({ ms }) => Math.round(ms));
  const sum = (name: 'failed' | 'wrong'): number => of.reduce((total, each) => total + each[name], 0);
  const last = Math.round(Math.max(...of.map(({ answeredMs }) => answeredMs)));
  return `${fault}: ${times.join(', ')} ms, median ${Math.round(median(times))} ms; ${sum('failed')} reads failed, ${sum('wrong')} were wrong, the last after ${last} ms`;
}

async function plantAll(bench: Bench, planted: Planted): Promise<Noticed[]> {
  const noticed: Noticed[] = [];
  for (const fault of SIDE_FAULTS) {
    const one = await plant(planted, fault);
    bench.print(`  ${fault}: ${Math.round(one.ms)} ms, ${one.failed} failed, ${one.wrong} wrong`);
    noticed.push(one);
  }
  return noticed;
}

/** Lets the target answer, plants a fault, and reads until all answers are right again. */
async function plant({ side, facades, ids }: Planted, fault: SideFault): Promise<Noticed> {
  side.repair();
  // The facades send the side nothing until a probe has found it.
  await pause(systemClock, CALM_MS);
  const [facade] = facades;
  const live = { stage: 'live', force: true, reason: 'benchmark' };
  await facade.post('/v1/migration/read-by-id', JSON.stringify(live));
  const bad = { sentAt: 0, answeredAt: 0, failed: 0, wrong: 0 };
  let plantedAt = Number.POSITIVE_INFINITY;
  const read = async (nth: number): Promise<void> => {
    const sentAt = performance.now();
    const path = `/orders/${ids[nth % ids.length]}`;
    const outcome = await (facades[nth % 2] ?? facade).text(path).then(
      (body) => (body.includes(WRONG_SYMBOL) ? 'wrong' : 'right'),
      () => 'failed' as const,
    );
    if (outcome === 'right') return;
    bad[outcome] += 1;
    bad.sentAt = Math.max(bad.sentAt, sentAt);
    bad.answeredAt = performance.now();
  };
  const answers: Promise<void>[] = [];
  const startedAt = performance.now();
  for (let nth = 0; ; nth += 1) {
    const now = performance.now();
    if (plantedAt === Number.POSITIVE_INFINITY && now - startedAt >= CALM_MS) {
      if (bad.failed + bad.wrong > 0) throw new Error(`reads failed before the fault: ${JSON.stringify(bad)}`);
      side.fault = fault;
      plantedAt = now;
    }
    if (now - plantedAt > GIVE_UP_MS) break;
    if (now - Math.max(plantedAt, bad.sentAt) > CALM_MS && (await isBack(facade))) break;
    answers.push(read(nth));
    await pause(systemClock, Math.max(0, startedAt + ((nth + 1) * 1_000) / ROLLBACK_PER_SECOND - performance.now()));
  }
  await Promise.all(answers);
  if (!(await isBack(facade))) throw new Error(`${fault}: reads were not rolled back within ${GIVE_UP_MS} ms`);
  const [ms, answeredMs] = [bad.sentAt, bad.answeredAt].map((at) => Math.max(0, at - plantedAt)) as [number, number];
  return { fault, ms, answeredMs, failed: bad.failed, wrong: bad.wrong };
}

/** Whether reads are at `shadow` again. */
async function isBack(facade: HttpServer): Promise<boolean> {
  const { capabilities } = JSON.parse(await facade.text('/v1/migration')) as MigrationResponse;
  return capabilities['read-by-id'].stage === 'shadow';
}

/** As many as the facade reads at a time. */
const AT_A_TIME = 4;
const REQUIRED_PER_SECOND = 30_000;
const VERIFY_POLL_MS = 50;

/** Measures a verification of equal orders, and in turns what both sides can send without any comparison. */
const verify: Benchmark = {
  name: 'verify',
  about: 'a verify of the facade, which must reach 30,000 orders/s; beside it, the same pages of both sides only read',
  measure: async (bench) => {
    const count = bench.quick ? 100_000 : 500_000;
    return withMigratedSides(bench, { orders: count, connections: AT_A_TIME }, async (sides) => {
      const facade = await sides.facade('verify');
      await moveTo(facade, 'writes', 'dualwrite');
      await verified(facade, count);
      const turns = await bench.repeat(3, async () => {
        const read = await bothRead(sides, count);
        const { result: value, figures } = await withFigures(facade, async () => verified(facade, count));
        bench.print(`  only read: ${Math.round(read)}, verified: ${Math.round(value)} orders/s`);
        return { read, run: { contender: 'verify', value, ...figures } };
      });
      const [reads, subject] = [turns.map(({ read }) => read), turns.map(({ run }) => run)];
      const limits = turns.map(() => REQUIRED_PER_SECOND);
      return comparedWith(limits, {
        unit: 'orders/s',
        subject,
        requiredRatio: 1,
        maxRssMiB: 250,
        noisy: isNoisy(reads),
        runs: turns.flatMap(({ read, run }) => [
          { contender: 'only read', value: read, peakRssMiB: 0, cpuSeconds: 0 },
          run,
        ]),
        notes: [`${count} orders; both sides only read: ${Math.round(median(reads))} orders/s`],
      });
    });
  },
};

/** Verifies all orders. @returns orders per second. @throws Error unless all are equal */
async function verified(facade: HttpServer, count: number): Promise<number> {
  await facade.post('/v1/migration/verify', '{}');
  for (;;) {
    const run = JSON.parse(await facade.text('/v1/migration/verify')) as VerificationResponse;
    if (run.status === 'running') {
      await pause(systemClock, VERIFY_POLL_MS);
      continue;
    }
    if (run.result !== 'equal' || run.orders.legacy !== count) throw new Error(`verify: ${JSON.stringify(run)}`);
    return (count / (Date.parse(run.endedAt ?? '') - Date.parse(run.startedAt))) * 1_000;
  }
}

/** Reads the pages of both sides, some at a time. @returns orders per second */
async function bothRead({ legacy, queryApi }: MigratedSides, count: number): Promise<number> {
  const startedAt = performance.now();
  let page = 0;
  const readOn = async (): Promise<void> => {
    for (page += 1; page <= count / PER_PAGE; page += 1) {
      const first = (page - 1) * PER_PAGE + 1;
      const filter = `legacyNumber[gte]=${first}&legacyNumber[lte]=${first + PER_PAGE - 1}&sort=legacyNumber`;
      const ofNewSide = queryApi.text(`/v1/orders?${filter}&pageSize=${PER_PAGE}`);
      await Promise.all([legacy.text(`/orders/page/${page}`), ofNewSide]);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, readOn));
  return (count / (performance.now() - startedAt)) * 1_000;
}

export const FACADE_BENCHMARKS: readonly Benchmark[] = [
  addedLatency('facade-reads-p50', 50, 1.5, 'shadow'),
  addedLatency('facade-reads-p99', 99, 5, 'shadow'),
  addedLatency('facade-reads-hanging-p50', 50, 1.5, 'hanging'),
  addedLatency('facade-reads-hanging-p99', 99, 5, 'hanging'),
  facadeRollback,
  verify,
];
