import { pause, systemClock } from '@orders-pipeline/clock';
import type { MigrationResponse } from '../../apps/facade/src/migration/migration-api.js';
import { shadowReadsById, startFacade } from '../facade/facade-servers.js';
import { FaultySide, SIDE_FAULTS, WRONG_SYMBOL, type SideFault } from '../facade/faulty-side.js';
import { withMigratedSides } from '../facade/migrated-sides.js';
import type { Bench } from '../harness/bench.js';
import type { Benchmark, Run } from '../harness/benchmark.js';
import { median } from '../harness/statistics.js';
import type { HttpServer } from '../reads/http-server.js';

const PER_SECOND = 100;
const ORDERS = 10_000;
const CONNECTIONS = 512;
const TIMES = 5;
const LIMIT_MS = 5_000;
/** How long reads must have been right, before a fault and after it. */
const CALM_MS = 3_000;
/** Longer than an answer can take. */
const GIVE_UP_MS = 30_000;
const CAPABILITY = '/v1/migration/read-by-id';

/** Plants faults in the new side while it answers, and measures how long reads still go there. */
export const facadeRollback: Benchmark = {
  name: 'facade-rollback',
  about: `from a fault of the new side to the last read that was sent and failed or was wrong, at ${PER_SECOND} reads per second through two instances`,
  measure: async (bench) =>
    withMigratedSides(bench, { name: 'bench-rollback', orders: ORDERS, connections: CONNECTIONS }, async (sides) => {
      const side = await FaultySide.before(sides.queryApi.url);
      try {
        const addresses = { mongodbUri: sides.mongodbUri, legacyUrl: sides.legacy.url, queryApiUrl: side.url };
        const facades = [
          await sides.started(startFacade('one', addresses, CONNECTIONS)),
          await sides.started(startFacade('two', addresses, CONNECTIONS)),
        ] as const;
        await shadowReadsById(facades[0]);
        return resultOf(await plantFaults(bench, { side, facades, ids: sides.ids }), await facades[0].figures());
      } finally {
        side.close();
      }
    }),
};

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

function resultOf(noticed: readonly Noticed[], { peakRssMiB, cpuSeconds }: { peakRssMiB: number; cpuSeconds: number }) {
  const value = Math.max(...noticed.map(({ ms }) => ms));
  const notes = SIDE_FAULTS.map((fault) => {
    const of = noticed.filter((each) => each.fault === fault);
    const times = of.map(({ ms }) => Math.round(ms));
    const sum = (name: 'failed' | 'wrong'): number => of.reduce((total, each) => total + each[name], 0);
    return `${fault}: ${times.join(', ')} ms, median ${Math.round(median(times))} ms; ${sum('failed')} reads failed, ${sum('wrong')} were wrong, the last after ${Math.round(Math.max(...of.map(({ answeredMs }) => answeredMs)))} ms`;
  });
  return {
    name: 'facade-rollback',
    value,
    unit: 'ms',
    limit: LIMIT_MS,
    ratio: LIMIT_MS / value,
    ratioRange: null,
    requiredRatio: 1,
    peakRssMiB,
    maxRssMiB: null,
    cpuSeconds,
    noisy: false,
    runs: noticed.map(({ fault, ms }): Run => ({ contender: fault, value: ms, peakRssMiB, cpuSeconds })),
    notes: ['the value is the longest of all runs', ...notes],
  };
}

async function plantFaults(bench: Bench, planted: Planted): Promise<Noticed[]> {
  const noticed: Noticed[] = [];
  for (let time = 0; time < (bench.quick ? 1 : TIMES); time += 1)
    for (const fault of SIDE_FAULTS) {
      const one = await plant(planted, fault);
      bench.print(`  ${fault}: ${Math.round(one.ms)} ms, ${one.failed} failed, ${one.wrong} wrong`);
      noticed.push(one);
    }
  return noticed;
}

/** Lets the new side answer, plants a fault, and reads until all answers are right again. */
async function plant({ side, facades, ids }: Planted, fault: SideFault): Promise<Noticed> {
  side.fault = undefined;
  const [facade] = facades;
  await facade.post(CAPABILITY, JSON.stringify({ stage: 'live', force: true, reason: 'benchmark' }));
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
    await pause(systemClock, Math.max(0, startedAt + ((nth + 1) * 1_000) / PER_SECOND - performance.now()));
  }
  await Promise.all(answers);
  if (!(await isBack(facade))) throw new Error(`${fault}: reads were not rolled back within ${GIVE_UP_MS} ms`);
  return {
    fault,
    ms: Math.max(0, bad.sentAt - plantedAt),
    answeredMs: Math.max(0, bad.answeredAt - plantedAt),
    failed: bad.failed,
    wrong: bad.wrong,
  };
}

/** Whether reads are at `shadow` again. */
async function isBack(facade: HttpServer): Promise<boolean> {
  const { capabilities } = JSON.parse(await facade.text('/v1/migration')) as MigrationResponse;
  return capabilities['read-by-id'].stage === 'shadow';
}
