import type { Cluster } from '../cluster/cluster.js';
import { KAFKA_NODES, MONGODB_MEMBERS, REGISTRY } from '../cluster/ground.js';
import { oneOf, type Draw, type Fault, type FaultKind } from './fault.js';

const METRICS_TIMEOUT_MS = 3_000;

type Choice = (cluster: Cluster, draw: Draw) => Promise<string>;

const runningApp =
  (job: string): Choice =>
  async (cluster, draw) => {
    const names = cluster.apps.all.filter((app) => app.job === job).map(({ name }) => name);
    return Promise.resolve(oneOf(names, draw));
  };
/** A producer that sends the orders of an operation, if there is one: it holds a lease, which it loses while it hangs. */
const emittingProducer: Choice = async (cluster, draw) => {
  const producers = cluster.apps.all.filter(({ job }) => job === 'producer');
  const emits = await Promise.all(producers.map(async ({ url }) => url !== undefined && (await isEmitting(url))));
  const emitting = producers.filter((_, at) => emits[at]);
  return oneOf(emitting.length > 0 ? emitting : producers, draw).name;
};
const kafkaNode: Choice = async (_, draw) => Promise.resolve(oneOf(KAFKA_NODES, draw));
const primary: Choice = async (cluster) => cluster.primary();
const secondary: Choice = async (cluster, draw) => {
  const other = await cluster.primary();
  return oneOf(
    MONGODB_MEMBERS.filter((name) => name !== other),
    draw,
  );
};
const registry: Choice = async () => Promise.resolve(REGISTRY);

async function isEmitting(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(METRICS_TIMEOUT_MS) });
    return /^producer_emissions_running 1$/m.test(await response.text());
  } catch {
    // It is starting or has ended.
    return false;
  }
}

/** Kills a process with SIGKILL. A server stays down for the duration of the fault; the supervisor restarts an app at once. */
function kill(name: string, choose: Choice, isServer: boolean): FaultKind {
  return killFor(name, choose, isServer, isServer ? [500, 8_000] : [0, 500]);
}

function killFor(name: string, choose: Choice, isServer: boolean, lastsMs: FaultKind['lastsMs']): FaultKind {
  return {
    name,
    lastsMs,
    make: async (cluster, draw) => {
      const subject = await choose(cluster, draw);
      return isServer
        ? {
            subject,
            begin: async () => cluster.servers.server(subject).kill(),
            end: async () => cluster.servers.server(subject).start(),
          }
        : { subject, begin: async () => Promise.resolve(cluster.killApp(subject)), end: nothing };
    },
  };
}

/** Pauses a process with SIGSTOP and SIGCONT: it hangs, keeps all its connections, and then continues. */
function pause(name: string, choose: Choice): FaultKind {
  return {
    name,
    // The range includes durations below and above the session timeouts of consumers and brokers.
    lastsMs: [1_000, 15_000],
    make: async (cluster, draw) => pauseOf(cluster, await choose(cluster, draw)),
  };
}

function pauseOf(cluster: Cluster, subject: string): Fault {
  let paused: number | undefined;
  return {
    subject,
    begin: async () => {
      paused = cluster.pid(subject);
      process.kill(paused, 'SIGSTOP');
      return Promise.resolve();
    },
    end: async () => {
      // Compare the pid: another process of the same name may run by now.
      if (paused !== undefined && cluster.running().some(({ pid }) => pid === paused)) process.kill(paused, 'SIGCONT');
      return Promise.resolve();
    },
  };
}

async function nothing(): Promise<void> {
  return Promise.resolve();
}

/** Processes that are killed or hang. */
export const PROCESS_FAULTS: readonly FaultKind[] = [
  kill('kill-consumer', runningApp('consumer'), false),
  kill('kill-producer', runningApp('producer'), false),
  kill('kill-query-api', runningApp('query-api'), false),
  kill('kill-broker', kafkaNode, true),
  kill('kill-primary', primary, true),
  kill('kill-secondary', secondary, true),
  // The primary is started again only once everything works without it.
  { ...killFor('primary-away', primary, true, [2_000, 8_000]), isTolerated: true },
  kill('registry-away', registry, true),
  pause('pause-consumer', runningApp('consumer')),
  pause('pause-producer', emittingProducer),
  pause('pause-query-api', runningApp('query-api')),
  pause('pause-broker', kafkaNode),
  pause('pause-primary', primary),
];
