import { reserveNumbers } from '#orders/operation/number-blocks.js';
import { Cluster } from './cluster/cluster.js';
import type { Evidence, Finding } from './checks/evidence.js';
import { findingsOf } from './checks/findings.js';
import { isPossible, LoadedCluster, type LoadAndFaults } from './loaded-cluster.js';
import { History } from './history/history.js';

export interface ChaosRunOptions extends LoadAndFaults {
  /** Folder for data and logs. */
  readonly directory: string;
  readonly historyFile: string;
  readonly productDirectory: string;
}

/** The result of a run. */
export interface ChaosRun {
  readonly history: History;
  readonly findings: readonly Finding[];
  readonly evidence: Evidence;
  /** Fault kinds that this machine does not support. */
  readonly leftOut: readonly string[];
  /** MongoDB server version. */
  readonly mongodb: string;
}

const PARTITIONS = 12;
const CONSUMERS = 3;
const COPIES = 2;
const SETTINGS = { SAVE_DELAY_MS: '0..200', IN_FLIGHT_LIMIT: '1000', RATE_LIMIT_PER_MINUTE: '0' };

/** Runs faults against a whole pipeline and judges the result. Leaves nothing running. */
export async function chaosRun(options: ChaosRunOptions): Promise<ChaosRun> {
  const cluster = await Cluster.start(options);
  const history = new History(options.historyFile);
  let stopping: Promise<string[]> | undefined;
  try {
    const evidence = await runOn(cluster, history, options);
    const { version: mongodb } = await cluster.mongo.db.admin().buildInfo();
    stopping = cluster.stop();
    // Only now is it known which processes did not stop.
    const whole = { ...evidence, left: await stopping };
    const leftOut = options.kinds.filter((kind) => !isPossible(kind, cluster)).map(({ name }) => name);
    return { history, findings: findingsOf(whole), evidence: whole, leftOut, mongodb: String(mongodb) };
  } finally {
    await (stopping ?? cluster.stop());
    await history.close();
  }
}

export interface RunOnOptions extends LoadAndFaults {
  readonly productDirectory: string;
  /** Added to the default settings of a run. */
  readonly settings?: NodeJS.ProcessEnv;
  /** Default: 3. */
  readonly consumers?: number;
  /** How many producers and query APIs run: 1 or 2 of each, the default. */
  readonly copies?: number;
  readonly database?: string;
  /** Order numbers to skip: records that an earlier product left on the topic use them. */
  readonly numbersTaken?: number;
}

/** Runs faults on servers that already run: starts the product and leaves it running. */
export async function runOn(
  cluster: Cluster,
  history: History,
  options: RunOnOptions,
): Promise<Omit<Evidence, 'left'>> {
  const { productDirectory, settings, database = 'orders', numbersTaken = 0 } = options;
  const { consumers = CONSUMERS, copies = COPIES } = options;
  await cluster.run({
    directory: productDirectory,
    partitions: PARTITIONS,
    consumers,
    copies,
    settings: { ...SETTINGS, ...settings },
    database,
    onEnded: (name, how, wasTold) => history.add({ type: 'app-ended', name, how, wasTold }),
    onServerEnded: (how) => history.add({ type: 'server-ended', how }),
  });
  const { client, db } = cluster.mongo;
  await client.withSession(async (session) => reserveNumbers(db, numbersTaken, session));
  return { history, ...(await new LoadedCluster(cluster, PARTITIONS, history, options).toItsEnd()) };
}
