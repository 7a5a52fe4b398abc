import { ratePerSecond } from '../harness/measurement.js';
import { RunDatabase } from '../harness/run-database.js';
import { runContender } from '../harness/contender-process.js';
import type { ProcessWatch } from './process-watch.js';

const DATABASE = 'bench-insert-limit';
/** Slower than any machine that the run fits on. */
const LEAST_PER_SECOND = 1_000;
const START_MS = 60_000;

/** What a bare loop of `insertMany` saves on the same server: the limit of the pipeline. */
export interface InsertLimit {
  readonly ordersPerSecond: number;
  /** CPU time for an order, in microseconds. */
  readonly mongodbCpuUs: number;
  readonly clientCpuUs: number;
}

/** Inserts as many orders into another database of the same server, with the same indexes, and drops it. */
export async function measureInsertLimit(
  { mongodbUri, orders, signal }: { mongodbUri: string; orders: number; signal: AbortSignal },
  watch: ProcessWatch,
): Promise<InsertLimit> {
  const database = await RunDatabase.create(mongodbUri, DATABASE);
  try {
    const before = await mongodbCpuSeconds(watch);
    const job = {
      contender: 'bare-insert',
      parameters: {},
      brokers: '',
      registryUrl: '',
      topic: '',
      groupId: '',
    } as const;
    const timeoutMs = START_MS + (orders / LEAST_PER_SECOND) * 1_000;
    const measured = await runContender({ ...job, mongodbUri: database.uri, records: orders }, { timeoutMs, signal });
    const mongodbSeconds = (await mongodbCpuSeconds(watch)) - before;
    return {
      ordersPerSecond: ratePerSecond(measured, 0, 100),
      mongodbCpuUs: (mongodbSeconds / orders) * 1_000_000,
      clientCpuUs: (measured.cpuSeconds / orders) * 1_000_000,
    };
  } finally {
    await database.drop();
  }
}

async function mongodbCpuSeconds(watch: ProcessWatch): Promise<number> {
  const { MongoDB } = await watch.sample();
  return MongoDB?.cpuSeconds ?? 0;
}
