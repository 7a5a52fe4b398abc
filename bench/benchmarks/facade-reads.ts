import { createServer, type Server, type AddressInfo } from 'node:net';
import { createDraws } from '#orders/generator/seeded-random.js';
import { shadowReadsById, startBareProxy, startFacade } from '../facade/facade-servers.js';
import { withMigratedSides } from '../facade/migrated-sides.js';
import type { Bench } from '../harness/bench.js';
import type { Benchmark, Result, Run } from '../harness/benchmark.js';
import { median, percentile, spread } from '../harness/statistics.js';
import { NOISY_SPREAD } from '../harness/in-turns.js';
import type { HttpServer } from '../reads/http-server.js';
import { closedLoop, openLoop } from '../reads/requests.js';

const PER_SECOND = 500;
const SECONDS = 20;
const QUICK_SECONDS = 5;
const TURNS = 5;
const ORDERS = 100_000;
const QUICK_ORDERS = 10_000;
const CONNECTIONS = 64;
/** While V8 compiles, and until the breaker to a side that hangs has opened. */
const WARM_UP_REQUESTS = 5_000;
const MAX_ADDED_P50_MS = 1.5;
const MAX_ADDED_P99_MS = 5;

/** The latencies of one turn: each way is measured in each turn, one after another. */
interface Turn {
  readonly direct: readonly number[];
  /** Through a proxy that only passes requests on: what any proxy adds on this machine. */
  readonly bare: readonly number[];
  readonly shadow: readonly number[];
  readonly hanging: readonly number[];
}
type Way = keyof Turn;

interface Measured {
  readonly turns: readonly Turn[];
  readonly facade: { readonly peakRssMiB: number; readonly cpuSeconds: number };
}

const measuring = new WeakMap<Bench, Promise<Measured>>();

export const facadeReadsP50 = addedLatency('facade-reads-p50', 50, MAX_ADDED_P50_MS, 'shadow');
export const facadeReadsP99 = addedLatency('facade-reads-p99', 99, MAX_ADDED_P99_MS, 'shadow');
export const facadeReadsHangingP50 = addedLatency('facade-reads-hanging-p50', 50, MAX_ADDED_P50_MS, 'hanging');
export const facadeReadsHangingP99 = addedLatency('facade-reads-hanging-p99', 99, MAX_ADDED_P99_MS, 'hanging');

/** Measures what the facade adds to a percentile of the reads by id. All four benchmarks share one measurement. */
function addedLatency(name: string, part: number, limit: number, way: 'shadow' | 'hanging'): Benchmark {
  const side = way === 'hanging' ? ', while the new side hangs' : '';
  return {
    name,
    about: `added to the p${part} of the legacy system at ${PER_SECOND} reads by id per second, shadow on${side}`,
    measure: async (bench) => {
      const measured = measuring.get(bench) ?? measureTurns(bench);
      measuring.set(bench, measured);
      return resultOf({ name, part, limit, way }, await measured);
    },
  };
}

function resultOf(
  { name, part, limit, way }: { name: string; part: number; limit: number; way: 'shadow' | 'hanging' },
  { turns, facade }: Measured,
): Result {
  const of = (which: Way): number[] => turns.map((turn) => percentile(turn[which], part));
  const direct = of('direct');
  const addedBy = (which: Way): number[] => of(which).map((ms, at) => ms - (direct[at] ?? Number.NaN));
  const added = addedBy(way);
  const runs = turns.flatMap((_, at): Run[] => [
    { contender: 'legacy system', value: direct[at] ?? Number.NaN, peakRssMiB: 0, cpuSeconds: 0 },
    { contender: `facade (${way})`, value: of(way)[at] ?? Number.NaN, ...facade },
  ]);
  const value = median(added);
  return {
    name,
    value,
    unit: 'ms',
    limit,
    ratio: limit / value,
    ratioRange: null,
    requiredRatio: 1,
    peakRssMiB: facade.peakRssMiB,
    maxRssMiB: null,
    cpuSeconds: facade.cpuSeconds,
    noisy: spread(direct) > NOISY_SPREAD,
    runs,
    notes: [
      `p${part} directly ${shown(median(direct))} ms, through the facade ${shown(median(of(way)))} ms; added ${added.map(shown).join(', ')} ms`,
      `a proxy that only passes requests on added ${shown(median(addedBy('bare')))} ms: ${addedBy('bare').map(shown).join(', ')} ms`,
    ],
  };
}

function shown(ms: number): string {
  return ms.toFixed(2);
}

async function measureTurns(bench: Bench): Promise<Measured> {
  const hanging = await hangingServer();
  const orders = bench.quick ? QUICK_ORDERS : ORDERS;
  const sizes = { name: 'bench-facade', orders, connections: CONNECTIONS };
  try {
    return await withMigratedSides(bench, sizes, async ({ mongodbUri, legacy, queryApi, ids, started }) => {
      const addresses = { mongodbUri, legacyUrl: legacy.url };
      const shadow = await started(startFacade('shadow', { ...addresses, queryApiUrl: queryApi.url }, CONNECTIONS));
      const bare = await started(startBareProxy(legacy.url, CONNECTIONS));
      const silent = await started(startFacade('hanging', { ...addresses, queryApiUrl: hanging.url }, CONNECTIONS));
      await shadowReadsById(shadow);
      const measured = await takeTurns(bench, { direct: legacy, bare, shadow, hanging: silent }, ids);
      await requireComparisons(shadow);
      return measured;
    });
  } finally {
    hanging.server.close();
  }
}

async function takeTurns(
  bench: Bench,
  servers: Readonly<Record<Way, HttpServer>>,
  ids: readonly string[],
): Promise<Measured> {
  const draw = createDraws(1);
  const pathAt = (nth: number): string => `/orders/${ids[draw(0, nth, ids.length)]}`;
  const requests = PER_SECOND * (bench.quick ? QUICK_SECONDS : SECONDS);
  for (const server of Object.values(servers))
    await closedLoop(server, { requests: WARM_UP_REQUESTS, concurrency: 4, pathAt });
  const before = await servers.shadow.figures();
  const turns: Turn[] = [];
  for (let turn = 0; turn < (bench.quick ? 1 : TURNS); turn += 1) {
    const at = async (way: Way): Promise<number[]> => {
      const latencies = await openLoop({ perSecond: PER_SECOND, requests }, async (nth) =>
        servers[way].text(pathAt(nth)),
      );
      const [p50, p99] = [50, 99].map((part) => percentile(latencies, part).toFixed(2));
      bench.print(`  ${way}: p50 ${p50} ms, p99 ${p99} ms`);
      return latencies;
    };
    turns.push({
      direct: await at('direct'),
      bare: await at('bare'),
      shadow: await at('shadow'),
      hanging: await at('hanging'),
    });
  }
  const { peakRssMiB, cpuSeconds } = await servers.shadow.figures();
  return { turns, facade: { peakRssMiB, cpuSeconds: cpuSeconds - before.cpuSeconds } };
}

/** The figures mean nothing if the facade did not compare. @throws Error */
async function requireComparisons(facade: HttpServer): Promise<void> {
  const metrics = await facade.text('/metrics');
  const equal = /^facade_comparisons_total\{capability="read-by-id",outcome="equal"\} (\d+)$/m.exec(metrics)?.[1];
  if (Number(equal ?? 0) > 0 && !/outcome="differs"\} [1-9]/.test(metrics)) return;
  throw new Error(
    `the facade did not compare:\n${metrics
      .split('\n')
      .filter((line) => line.startsWith('facade_'))
      .join('\n')}`,
  );
}

/** A server that accepts connections and never answers. */
async function hangingServer(): Promise<{ readonly url: string; readonly server: Server }> {
  const server = createServer((socket) => socket.on('error', () => socket.destroy()).resume());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  server.unref();
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server };
}
