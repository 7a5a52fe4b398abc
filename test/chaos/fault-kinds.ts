import { setTimeout as delay } from 'node:timers/promises';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { oneOf, type Draw } from '../../dev/migration-journey/draw.js';
import { signalIfRunning } from '../../dev/machine/process-table.js';
import type { EmbeddedServers } from '../../dev/servers/embedded-servers.js';
import { ClusterApps } from './cluster/cluster-apps.js';
import type { Cluster } from './cluster/cluster.js';
import { electPreferredLeaders } from './cluster/elect-leaders.js';
import { KAFKA_NODES, MAX_CONSUMERS, MONGODB_MEMBERS, REGISTRY } from './cluster/ground.js';
import type { LinkState } from './cluster/link-state.js';
import { PEERS, type Links, type NamedLink } from './cluster/links.js';

/** One disturbance of a cluster. */
export interface Fault {
  /** What the fault affects, such as `consumer-2` or `producer → Kafka-1`. */
  readonly subject: string;
  /** Begins the fault; resolves when it is in full effect. */
  begin(): Promise<void>;
  /** Undoes the fault. Does not wait for the recovery. */
  end(): Promise<void>;
  /** Whether the fault had an effect, once it is over. Absent for faults that always have one. */
  hadEffect?(): boolean;
}

export interface FaultKind {
  readonly name: string;
  /** Shortest and longest duration, in milliseconds. */
  readonly lastsMs: readonly [number, number];
  /** Longest time from the beginning to the recovery, in seconds; set if it may exceed a minute. */
  readonly takesSeconds?: number;
  /**
   * Whether the cluster must recover while the fault lasts, before it is undone. The time of that recovery counts too. Applies only to a
   * single fault, not to simultaneous ones. Default: false.
   */
  readonly isTolerated?: boolean;
  /** A requirement that a machine may not meet; `undefined` for none. */
  readonly needs?: 'small-disks';
  make(cluster: Cluster, draw: Draw): Promise<Fault>;
}

type EmbeddedServer = ReturnType<EmbeddedServers['server']>;

const SERVERS = [...KAFKA_NODES, ...MONGODB_MEMBERS];
const POLL_INTERVAL_MS = 200;
const STOP_BUDGET_MS = 20_000;
const ELECTED_WITHIN_MS = 10_000;
const WHOLE_WITHIN_MS = 30_000;
const ENDED_WITHIN_MS = 15_000;
const STORM_WAVES = 5;
const BETWEEN_WAVES_MS = 1_500;
/** A Kafka node takes 30 s to restart on two cores beside the other processes. */
const SERVER_SECONDS = 50;

const nothing = async (): Promise<void> => Promise.resolve();

/** Names of the consumers that run or are starting. */
function consumersOf(cluster: Cluster): string[] {
  return cluster.apps.all.filter(({ job }) => job === 'consumer').map(({ name }) => name);
}

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

/** Kills an app with SIGKILL; the supervisor restarts it at once. */
function killApp(name: string, job: string): FaultKind {
  return {
    name,
    lastsMs: [0, 500],
    make: async (cluster, draw) => {
      const subject = await runningApp(job)(cluster, draw);
      return { subject, begin: async () => Promise.resolve(cluster.killApp(subject)), end: nothing };
    },
  };
}

/** Stops a server, by SIGKILL or in a controlled way, for the duration of the fault. */
function serverAway(
  name: string,
  choose: Choice,
  lastsMs: FaultKind['lastsMs'] = [500, 8_000],
  stop: (server: EmbeddedServer) => Promise<void> = async (server) => server.kill(),
): FaultKind {
  return {
    name,
    lastsMs,
    make: async (cluster, draw) => {
      const subject = await choose(cluster, draw);
      const server = cluster.servers.server(subject);
      return { subject, begin: async () => stop(server), end: async () => server.start() };
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

/** Suspends a process: it hangs, keeps all its connections, and then continues. */
export function pauseOf(processes: { pid(name: string): number }, subject: string): Fault {
  let paused: number | undefined;
  return {
    subject,
    begin: async () => {
      paused = processes.pid(subject);
      process.kill(paused, 'SIGSTOP');
      return Promise.resolve();
    },
    end: async () => {
      if (paused !== undefined) signalIfRunning(paused, 'SIGCONT');
      return Promise.resolve();
    },
  };
}

/** Brings links into a state. */
export function disturbanceOf(all: Links, links: readonly NamedLink[], state: LinkState, subject: string): Fault {
  const disturbances = (): number => links.reduce((sum, { link }) => sum + link.disturbances, 0);
  const before = disturbances();
  return {
    subject,
    begin: async () => Promise.resolve(all.set(links, state)),
    end: async () => Promise.resolve(all.set(links, { kind: 'open' })),
    hadEffect: () => disturbances() > before,
  };
}

/**
 * Which links are disturbed: one app to one server, one app to all servers, one consumer to all Kafka nodes, all apps to one server, or its
 * peers to one server.
 */
type Extent = 'one link' | 'an app' | 'a consumer and Kafka' | 'a server' | 'peers';

function disturb(
  name: string,
  extent: Extent,
  state: (draw: Draw) => LinkState,
  lastsMs: FaultKind['lastsMs'] = [2_000, 12_000],
): FaultKind {
  return {
    name,
    lastsMs,
    make: async (cluster, draw) => {
      const { links, subject } = chosen(cluster, extent, draw);
      return Promise.resolve(disturbanceOf(cluster.links, links, state(draw), subject));
    },
  };
}

function chosen(cluster: Cluster, extent: Extent, draw: Draw): { links: readonly NamedLink[]; subject: string } {
  const from = oneOf(
    cluster.apps.all.map(({ name }) => name),
    draw,
  );
  const to = oneOf(SERVERS, draw);
  const used = from.startsWith('query-api') ? oneOf(MONGODB_MEMBERS, draw) : to;
  switch (extent) {
    case 'one link':
      return { links: cluster.links.where({ from, to: used }), subject: `${from} → ${used}` };
    case 'an app':
      return { links: cluster.links.where({ from }), subject: `${from} → everything` };
    case 'a consumer and Kafka': {
      const consumer = oneOf(consumersOf(cluster), draw);
      const links = cluster.links.where({ from: consumer }).filter((link) => KAFKA_NODES.includes(link.to));
      return { links, subject: `${consumer} → Kafka` };
    }
    case 'a server':
      return { links: cluster.links.where({ to }).filter((link) => link.from !== PEERS), subject: `all apps → ${to}` };
    case 'peers':
      return { links: cluster.links.where({ from: PEERS, to }), subject: `peers → ${to}` };
  }
}

/** Starts and stops consumers faster than the group can finish a rebalance. */
const rebalanceStorm: FaultKind = {
  name: 'rebalance-storm',
  lastsMs: [0, 1_000],
  make: async (cluster, draw) => {
    const waves = Array.from({ length: STORM_WAVES }, () => 1 + draw(MAX_CONSUMERS));
    return Promise.resolve({
      subject: `${waves.join(', ')} consumers`,
      begin: async () => {
        for (const wave of waves) {
          cluster.apps.scale(wave);
          await delay(BETWEEN_WAVES_MS);
        }
      },
      end: async () => Promise.resolve(cluster.apps.scale()),
    });
  },
};

/** Scales to one consumer, to the maximum, and to one again. */
const scaleUpAndDown: FaultKind = {
  name: 'scale-1-6-1',
  lastsMs: [8_000, 12_000],
  make: async (cluster, draw) => {
    const betweenMs = 6_000 + draw(4_000);
    return Promise.resolve({
      subject: `1, ${MAX_CONSUMERS}, 1 and ${cluster.apps.wantedConsumers} consumers`,
      begin: async () => {
        for (const count of [1, MAX_CONSUMERS, 1]) {
          cluster.apps.scale(count);
          await delay(betweenMs);
        }
      },
      end: async () => Promise.resolve(cluster.apps.scale()),
    });
  },
};

const clockJump: FaultKind = {
  name: 'clock-jump',
  lastsMs: [2_000, 10_000],
  make: async (cluster, draw) => {
    const app = oneOf(ClusterApps.names(consumersOf(cluster).length), draw);
    const shiftMs = oneOf([-3_600_000, -30_000, 30_000, 3_600_000], draw);
    return Promise.resolve({
      subject: `${app} by ${shiftMs / 1_000} s`,
      begin: async () => cluster.shiftClock(app, shiftMs),
      end: async () => cluster.shiftClock(app, 0),
    });
  },
};

/** Drains and restarts every app, one after another, as in an upgrade. */
const rollingRestart: FaultKind = {
  name: 'rolling-restart',
  takesSeconds: 90,
  lastsMs: [0, 500],
  make: async (cluster) => {
    const names = cluster.apps.all.map(({ name }) => name);
    return Promise.resolve({
      subject: 'all apps, one after another',
      begin: async () => {
        for (const name of names) await cluster.apps.restart(name);
      },
      end: nothing,
    });
  },
};

/** Restarts every server of a kind in a controlled way, each once the previous one has caught up. */
function rolling(name: string, servers: readonly string[]): FaultKind {
  return {
    name,
    takesSeconds: SERVER_SECONDS * servers.length,
    lastsMs: [0, 500],
    make: async (cluster) =>
      Promise.resolve({
        subject: `${servers.join(', ')}, one after another`,
        begin: async () => {
          for (const each of servers) {
            const server = cluster.servers.server(each);
            await server.stop(STOP_BUDGET_MS);
            await server.start();
            await untilWhole(cluster);
          }
        },
        end: nothing,
      }),
  };
}

/** Waits up to 30 s until all replicas are in sync; another fault may keep a server unavailable. */
async function untilWhole(cluster: Cluster): Promise<void> {
  const deadline = performance.now() + WHOLE_WITHIN_MS;
  while (!(await isWhole(cluster)) && performance.now() < deadline) await delay(POLL_INTERVAL_MS);
}

async function isWhole({ kafka, mongo }: Cluster): Promise<boolean> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [ORDERS_TOPIC] });
    const partitions = topics.flatMap((topic) => topic.partitions);
    const { members } = await mongo.client.db('admin').command({ replSetGetStatus: 1 });
    const states = (members as { stateStr: string }[]).map(({ stateStr }) => stateStr);
    return (
      partitions.every(({ isr, replicas }) => isr.length === replicas.length) &&
      states.every((state) => state === 'PRIMARY' || state === 'SECONDARY')
    );
  } catch {
    // A server does not answer yet.
    return false;
  } finally {
    await admin.disconnect();
  }
}

/**
 * Moves the leaders of about half of the partitions: rotates their replica lists and elects the preferred leaders. The others stay, so that
 * a client's batch succeeds at one broker and fails at another.
 */
const leaderMoves: FaultKind = {
  name: 'leader-moves',
  lastsMs: [500, 2_000],
  make: async (cluster, draw) => {
    const by = 1 + draw(KAFKA_NODES.length - 1);
    return Promise.resolve({
      subject: ORDERS_TOPIC,
      begin: async () => moveLeaders(cluster, by, (partition) => partition === 0 || draw(2) === 0),
      end: nothing,
    });
  },
};

async function moveLeaders(cluster: Cluster, by: number, isMoved: (partition: number) => boolean): Promise<void> {
  const admin = cluster.kafka.admin();
  await admin.connect();
  try {
    const leaders = async () => {
      const { topics } = await admin.fetchTopicMetadata({ topics: [ORDERS_TOPIC] });
      return topics[0]?.partitions ?? [];
    };
    const before = await leaders();
    const moved = before.filter(({ partitionId }) => isMoved(partitionId));
    const partitionAssignment = moved.map(({ partitionId: partition, leader, replicas }) => {
      const place = (replicas.indexOf(leader) + by) % replicas.length;
      return { partition, replicas: [...replicas.slice(place), ...replicas.slice(0, place)] };
    });
    await admin.alterPartitionReassignments({ topics: [{ topic: ORDERS_TOPIC, partitionAssignment }] });
    await electByAny(cluster.brokers.split(','));
    const led = new Map(before.map(({ partitionId, leader }) => [partitionId, leader]));
    const deadline = performance.now() + ELECTED_WITHIN_MS;
    // One move is enough: an unavailable replica can't become the leader.
    while ((await leaders()).every(({ partitionId, leader }) => led.get(partitionId) === leader)) {
      if (performance.now() > deadline) throw new Error('no partition has another leader');
      await delay(POLL_INTERVAL_MS);
    }
  } finally {
    await admin.disconnect();
  }
}

/** Sends the request to the first broker that answers. */
async function electByAny(brokers: readonly string[]): Promise<void> {
  const failures: unknown[] = [];
  for (const broker of brokers) {
    try {
      await electPreferredLeaders(broker);
      return;
    } catch (error) {
      failures.push(error);
    }
  }
  throw new AggregateError(failures, 'no broker elected leaders');
}

/**
 * Fills the disk of one server. Kafka and MongoDB exit when they can't write; the fault's end frees the disk and starts the server again,
 * as an operator would.
 * @param write makes the server write at once; otherwise it might still use space that it has preallocated
 */
function fullDisk(name: string, subject: string, write: (cluster: Cluster) => Promise<void>): FaultKind {
  return {
    name,
    needs: 'small-disks',
    lastsMs: [3_000, 8_000],
    make: async (cluster) => {
      const disk = cluster.diskOf(subject);
      const server = cluster.servers.server(subject);
      let hasEnded = false;
      return Promise.resolve({
        subject,
        begin: async () => {
          // Read the pid first: a server that exits while the disk fills is restarted at once, and then fails for lack of space.
          const pid = cluster.pid(subject);
          await disk.fill();
          await write(cluster);
          hasEnded = await ended(cluster, pid);
          await server.kill();
        },
        end: async () => {
          // Kill it also after a failed fill: otherwise a second instance would start beside it.
          await server.kill();
          await disk.free();
          await server.start();
        },
        hadEffect: () => hasEnded,
      });
    },
  };
}

/** @returns whether the process has ended, after up to 15 s */
async function ended(cluster: Cluster, pid: number): Promise<boolean> {
  const deadline = performance.now() + ENDED_WITHIN_MS;
  const runs = (): boolean => cluster.running().some((process) => process.pid === pid);
  while (runs() && performance.now() < deadline) await delay(POLL_INTERVAL_MS);
  return !runs();
}

/** All kinds of faults. */
export const FAULT_KINDS: readonly FaultKind[] = [
  killApp('kill-consumer', 'consumer'),
  killApp('kill-producer', 'producer'),
  killApp('kill-query-api', 'query-api'),
  serverAway('kill-broker', kafkaNode),
  serverAway('kill-primary', primary),
  serverAway('kill-secondary', secondary),
  // The primary is started again only once everything works without it.
  { ...serverAway('primary-away', primary, [2_000, 8_000]), isTolerated: true },
  serverAway('registry-away', registry),
  pause('pause-consumer', runningApp('consumer')),
  pause('pause-producer', emittingProducer),
  pause('pause-query-api', runningApp('query-api')),
  pause('pause-broker', kafkaNode),
  pause('pause-primary', primary),
  disturb('cut-link', 'one link', () => ({ kind: 'cut' })),
  disturb('slow-link', 'one link', (draw) => ({ kind: 'slow', delayMs: 100 + draw(1_400) })),
  disturb('silent-link', 'one link', () => ({ kind: 'silent' })),
  disturb('unanswered-link', 'one link', () => ({ kind: 'unanswered' })),
  disturb('cut-off-app', 'an app', () => ({ kind: 'cut' })),
  disturb('silent-app', 'an app', () => ({ kind: 'silent' })),
  // Longer than the session of a consumer, which still reaches MongoDB: others take over its partitions while it could go on with them.
  {
    ...disturb('silent-kafka', 'a consumer and Kafka', () => ({ kind: 'silent' }), [20_000, 40_000]),
    takesSeconds: 70,
  },
  disturb('cut-off-server', 'a server', () => ({ kind: 'cut' })),
  disturb('cut-off-peers', 'peers', () => ({ kind: 'cut' })),
  disturb('silent-peers', 'peers', () => ({ kind: 'silent' })),
  disturb('unanswered-server', 'a server', () => ({ kind: 'unanswered' }), [1_000, 4_000]),
  rebalanceStorm,
  scaleUpAndDown,
  clockJump,
  rollingRestart,
  rolling('rolling-kafka', KAFKA_NODES),
  rolling('rolling-mongodb', MONGODB_MEMBERS),
  leaderMoves,
  // Controlled: the node hands its leaderships over and gets some back later.
  serverAway('restart-broker', kafkaNode, [0, 2_000], async (server) => server.stop(STOP_BUDGET_MS)),
  // The node is started again only once everything works without it.
  { ...serverAway('broker-away', kafkaNode, [2_000, 8_000]), isTolerated: true },
  // Kafka writes all the time anyway.
  fullDisk('full-kafka-disk', 'Kafka-3', nothing),
  fullDisk('full-mongodb-disk', 'MongoDB-3', async (cluster) => cluster.checkpoint('MongoDB-3')),
];
