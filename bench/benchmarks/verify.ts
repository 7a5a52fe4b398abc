import { pause, systemClock } from '@orders-pipeline/clock';
import type { VerificationResponse } from '../../apps/facade/src/runs/verification.js';
import { copyWrites, startFacade } from '../facade/facade-servers.js';
import { withMigratedSides } from '../facade/migrated-sides.js';
import type { Bench } from '../harness/bench.js';
import type { Benchmark, Run } from '../harness/benchmark.js';
import { NOISY_SPREAD } from '../harness/in-turns.js';
import { median, spread } from '../harness/statistics.js';
import type { HttpServer } from '../reads/http-server.js';

const ORDERS = 500_000;
const QUICK_ORDERS = 100_000;
const TURNS = 3;
const PAGE = 1_000;
/** As many as the facade reads at a time. */
const AT_A_TIME = 4;
const REQUIRED_PER_SECOND = 30_000;
const MAX_RSS_MIB = 250;
const POLL_MS = 50;

interface Servers {
  readonly legacy: HttpServer;
  readonly queryApi: HttpServer;
  readonly facade: HttpServer;
}

/** Measures a verification of equal orders, and in turns what both sides can send without any comparison. */
export const verify: Benchmark = {
  name: 'verify',
  about: 'a verify of the facade, which must reach 30,000 orders/s; beside it, the same pages of both sides only read',
  measure: async (bench) =>
    withServers(bench, async (servers, count) => {
      const runs: Run[] = [];
      await verified(servers, count);
      const before = await servers.facade.figures();
      for (let turn = 0; turn < (bench.quick ? 1 : TURNS); turn += 1) {
        const read = await bothRead(servers, count);
        const value = await verified(servers, count);
        bench.print(`  only read: ${Math.round(read)}, verified: ${Math.round(value)} orders/s`);
        const { peakRssMiB, cpuSeconds } = await servers.facade.figures();
        runs.push({ contender: 'only read', value: read, peakRssMiB: 0, cpuSeconds: 0 });
        runs.push({ contender: 'verify', value, peakRssMiB, cpuSeconds: cpuSeconds - before.cpuSeconds });
      }
      const of = (name: string): number[] => runs.filter((run) => run.contender === name).map((run) => run.value);
      const value = median(of('verify'));
      const { peakRssMiB = 0, cpuSeconds = 0 } = runs.at(-1) ?? {};
      return {
        name: 'verify',
        value,
        unit: 'orders/s',
        limit: REQUIRED_PER_SECOND,
        ratio: value / REQUIRED_PER_SECOND,
        ratioRange: null,
        requiredRatio: 1,
        peakRssMiB,
        maxRssMiB: MAX_RSS_MIB,
        cpuSeconds: cpuSeconds / of('verify').length,
        noisy: spread(of('only read')) > NOISY_SPREAD,
        runs,
        notes: [`${count} orders; both sides only read: ${Math.round(median(of('only read')))} orders/s`],
      };
    }),
};

async function withServers<T>(bench: Bench, work: (servers: Servers, count: number) => Promise<T>): Promise<T> {
  const count = bench.quick ? QUICK_ORDERS : ORDERS;
  const sizes = { name: 'bench-verify', orders: count, connections: AT_A_TIME };
  return withMigratedSides(bench, sizes, async ({ mongodbUri, legacy, queryApi, started }) => {
    const addresses = { mongodbUri, legacyUrl: legacy.url, queryApiUrl: queryApi.url };
    const facade = await started(startFacade('verify', addresses, AT_A_TIME));
    await copyWrites(facade);
    return work({ legacy, queryApi, facade }, count);
  });
}

/** Verifies all orders. @returns orders per second. @throws Error unless all are equal */
async function verified({ facade }: Servers, count: number): Promise<number> {
  await facade.post('/v1/migration/verify', '{}');
  for (;;) {
    const run = JSON.parse(await facade.text('/v1/migration/verify')) as VerificationResponse;
    if (run.status === 'running') {
      await pause(systemClock, POLL_MS);
      continue;
    }
    if (run.result !== 'equal' || run.orders.legacy !== count) throw new Error(`verify: ${JSON.stringify(run)}`);
    return (count / (Date.parse(run.endedAt ?? '') - Date.parse(run.startedAt))) * 1_000;
  }
}

/** Reads the pages of both sides, some at a time. @returns orders per second */
async function bothRead({ legacy, queryApi }: Servers, count: number): Promise<number> {
  const startedAt = performance.now();
  let page = 0;
  const readOn = async (): Promise<void> => {
    for (page += 1; page <= count / PAGE; page += 1) {
      const first = (page - 1) * PAGE + 1;
      const filter = `legacyNumber[gte]=${first}&legacyNumber[lte]=${first + PAGE - 1}&sort=legacyNumber`;
      await Promise.all([legacy.text(`/orders/page/${page}`), queryApi.text(`/v1/orders?${filter}&pageSize=${PAGE}`)]);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, readOn));
  return (count / (performance.now() - startedAt)) * 1_000;
}
