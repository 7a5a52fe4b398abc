import type { Bench } from '../harness/bench.js';
import type { Benchmark } from '../harness/benchmark.js';
import type { Candidate } from '../harness/candidate.js';
import { lastQuarterAgainstSecond } from '../harness/flatness.js';
import { compareInTurns } from '../harness/in-turns.js';
import { ratePerSecond, type Measurement } from '../harness/measurement.js';
import { startQueryApi } from '../reads/read-servers.js';
import { readExport } from '../reads/export-reader.js';

const RECORDS = 2_000_000;
const TIMES = 3;
/** Per cent of the records, during which V8 compiles. */
const WARM_UP = 20;
const GROWTH_LIMIT = 1.1;
const TIMEOUT_MS = 300_000;

/** Measures an export: in addition to the cursor it decodes, writes JSON and sends it. */
export const readsExport: Benchmark = {
  name: 'reads-export',
  about: `an export as NDJSON, compared with a plain cursor of the driver over the same orders in the same order`,
  measure: async (bench) =>
    compareInTurns(
      {
        name: 'reads-export',
        unit: 'orders/s',
        subject: { label: 'export', run: async () => exported(bench, RECORDS), valueOf: warmRate },
        limit: bareCursor(bench),
        times: bench.quick ? 1 : TIMES,
        requiredRatio: 0.7,
      },
      bench.print,
    ),
};

/** Measures memory while exporting all orders. */
export const readsExportMemory: Benchmark = {
  name: 'reads-export-memory',
  about: 'memory of the query API while exporting all orders, last quarter compared with the second',
  measure: async (bench) => {
    const { count } = await bench.savedOrders();
    const measurement = await exported(bench, count);
    if (measurement.records !== count) throw new Error(`${measurement.records} of ${count} orders were exported`);
    const rssMiB = measurement.samples.map((sample) => Math.round(sample.rssMiB));
    const growth = lastQuarterAgainstSecond(rssMiB);
    const value = growth ?? Number.NaN;
    const { peakRssMiB, cpuSeconds } = measurement;
    return {
      name: 'reads-export-memory',
      value,
      unit: 'last / second',
      limit: GROWTH_LIMIT,
      ratio: growth === undefined ? null : GROWTH_LIMIT / growth,
      ratioRange: null,
      requiredRatio: 1,
      peakRssMiB,
      maxRssMiB: null,
      cpuSeconds,
      noisy: false,
      runs: [{ contender: 'export', value, peakRssMiB, cpuSeconds, rssMiB }],
      notes: [
        `${count} orders, ${Math.round(ratePerSecond(measurement, 0, 100))} a second`,
        ...(growth === undefined ? ['the run is too short for a verdict'] : []),
      ],
    };
  },
};

function bareCursor(bench: Bench): Candidate {
  return {
    label: 'bare-cursor',
    run: async () => bench.runOnSaved('bare-cursor', {}, { records: RECORDS, timeoutMs: TIMEOUT_MS }),
    valueOf: warmRate,
  };
}

async function exported(bench: Bench, records: number): Promise<Measurement> {
  const { uri, count } = await bench.savedOrders();
  const server = await startQueryApi(uri, 1);
  try {
    return await readExport(server, Math.min(records, count));
  } finally {
    await server.stop();
  }
}

function warmRate(measurement: Measurement): number {
  return ratePerSecond(measurement, WARM_UP, 100);
}
