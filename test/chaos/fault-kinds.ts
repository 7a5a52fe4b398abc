import { setTimeout as delay } from 'node:timers/promises';
import { Connection, createAPI, Writer } from '@platformatic/kafka';
import type { Admin, PartitionMetadata } from 'kafkajs';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { signalIfRunning } from '../../dev/machine/processes.js';
import { oneOf, type Draw } from '../../dev/migration-journey/stored-orders.js';
import type { Server } from '../../dev/servers/server.js';
import type { RunningApps } from '../../dev/supervisor/apps.js';
import { asAdmin } from '../support/topic-writer.js';
import {
  appNames,
  KAFKA_NODES,
  MAX_CONSUMERS,
  MONGODB_MEMBERS,
  readMetric,
  REGISTRY,
  type Cluster,
} from './cluster/cluster.js';
import { PEERS, type LinkState, type NamedLink } from './cluster/link.js';
import { holdsWithin } from './history.js';

/** One disturbance of a cluster. */
export interface Fault {
  /** What the fault affects, such as `consumer-2` or `producer → Kafka-1`. */
  readonly subject: string;
  /** Begins the fault; resolves when it is in full effect. */
  begin(): void | Promise<void>;
  /** Undoes the fault. Does not wait for the recovery. */
  end(): void | Promise<void>;
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
   * single fault, not to simultaneous ones.
   */
  readonly isTolerated?: true;
  /** Not every machine supports them. */
  readonly needsSmallDisks?: true;
  make(cluster: Cluster, draw: Draw): Fault | Promise<Fault>;
}

const SERVERS = [...KAFKA_NODES, ...MONGODB_MEMBERS];
const AT_ONCE = [0, 500] as const;
const STOP_BUDGET_MS = 20_000;
const ELECTED_WITHIN_MS = 10_000;
const WHOLE_WITHIN_MS = 30_000;
const ENDED_WITHIN_MS = 15_000;
const STORM_WAVES = 5;
const BETWEEN_WAVES_MS = 1_500;
/** A Kafka node takes 30 s to restart on two cores beside the other processes. */
const SERVER_SECONDS = 50;
const PUBLISHING = /^producer_emissions_running (\d+)$/m;

const nothing = (): void => undefined;

type Choice = (cluster: Cluster, draw: Draw) => string | Promise<string>;

const namesOf = (cluster: Cluster, job: Parameters<Cluster['of']>[0]): string[] =>
  cluster.of(job).map(({ name }) => name);
const consumer: Choice = (cluster, draw) => oneOf(namesOf(cluster, 'consumer'), draw);
const queryApi: Choice = (cluster, draw) => oneOf(namesOf(cluster, 'query-api'), draw);
const producer: Choice = (cluster, draw) => oneOf(namesOf(cluster, 'producer'), draw);
/** A producer that sends the orders of an operation, if there is one: it holds a lease, which it loses while it hangs. */
const publishingProducer: Choice = async (cluster, draw) => {
  const producers = cluster.of('producer');
  const publishes = await Promise.all(
    producers.map(async ({ url }) => url !== undefined && readMetric(url, PUBLISHING)),
  );
  const publishing = producers.filter((_, at) => Number(publishes[at]) > 0);
  return oneOf(publishing.length > 0 ? publishing : producers, draw).name;
};
const kafkaNode: Choice = (_, draw) => oneOf(KAFKA_NODES, draw);
const primary: Choice = (cluster) => cluster.primary();
const secondary: Choice = async (cluster, draw) => {
  const other = await cluster.primary();
  const secondaries = MONGODB_MEMBERS.filter((name) => name !== other);
  return oneOf(secondaries, draw);
};

/** Kills an app with SIGKILL; the supervisor restarts it at once. */
function kill(name: string, choose: Choice): FaultKind {
  return {
    name,
    lastsMs: AT_ONCE,
    make: async (cluster, draw) => killOf(cluster.apps, await choose(cluster, draw)),
  };
}

export function killOf(apps: RunningApps, subject: string): Fault {
  return { subject, begin: () => void apps.kill(subject), end: nothing };
}

/** Stops a server, by SIGKILL or in a controlled way, for the duration of the fault. */
function serverAway(
  name: string,
  choose: Choice,
  lastsMs: FaultKind['lastsMs'] = [500, 8_000],
  stop = (server: Server): Promise<void> => server.kill(),
): FaultKind {
  return {
    name,
    lastsMs,
    make: async (cluster, draw) => {
      const subject = await choose(cluster, draw);
      const server = cluster.servers.server(subject);
      return { subject, begin: () => stop(server), end: () => server.start() };
    },
  };
}

/** Pauses a process with SIGSTOP and SIGCONT: it hangs, keeps all its connections, and then continues. */
function pause(name: string, choose: Choice): FaultKind {
  return {
    name,
    // The range includes durations below and above the session timeouts of consumers and brokers.
    lastsMs: [1_000, 15_000],
    make: async (cluster, draw) => pauseOf(cluster.apps, await choose(cluster, draw)),
  };
}

/** Suspends a process: it hangs, keeps all its connections, and then continues. */
export function pauseOf(apps: Pick<RunningApps, 'pid'>, subject: string): Fault {
  let paused: number | undefined;
  return {
    subject,
    begin: () => {
      paused = apps.pid(subject);
      process.kill(paused, 'SIGSTOP');
    },
    end: () => {
      if (paused !== undefined) signalIfRunning(paused, 'SIGCONT');
    },
  };
}

/** Which links are disturbed, and their common name. */
type Extent = (cluster: Cluster, draw: Draw) => { readonly subject: string; readonly links: readonly NamedLink[] };

const anyApp = ({ apps }: Cluster, draw: Draw): string => oneOf(apps.all, draw).name;
const oneLink: Extent = (cluster, draw) => {
  const from = anyApp(cluster, draw);
  const to = oneOf(from.startsWith('query-api') ? MONGODB_MEMBERS : SERVERS, draw);
  return { subject: `${from} → ${to}`, links: cluster.links.where({ from, to }) };
};
const anAppToAll: Extent = (cluster, draw) => {
  const from = anyApp(cluster, draw);
  return { subject: `${from} → everything`, links: cluster.links.where({ from }) };
};
const aConsumerToKafka: Extent = (cluster, draw) => {
  const from = oneOf(namesOf(cluster, 'consumer'), draw);
  const links = cluster.links.where({ from }).filter(({ to }) => KAFKA_NODES.includes(to));
  return { subject: `${from} → Kafka`, links };
};
const allAppsToServer: Extent = (cluster, draw) => {
  const to = oneOf(SERVERS, draw);
  return { subject: `all apps → ${to}`, links: cluster.links.where({ to }).filter(({ from }) => from !== PEERS) };
};
const peersToServer: Extent = (cluster, draw) => {
  const to = oneOf(SERVERS, draw);
  return { subject: `${PEERS} → ${to}`, links: cluster.links.where({ from: PEERS, to }) };
};

function disturb(
  name: string,
  extent: Extent,
  state: LinkState | ((draw: Draw) => LinkState),
  lastsMs: FaultKind['lastsMs'] = [2_000, 12_000],
): FaultKind {
  return {
    name,
    lastsMs,
    make: (cluster, draw) => {
      const { subject, links } = extent(cluster, draw);
      return disturbanceOf(subject, links, typeof state === 'function' ? state(draw) : state);
    },
  };
}

/** Brings links into a state. */
export function disturbanceOf(subject: string, links: readonly NamedLink[], state: LinkState): Fault {
  const disturbances = (): number => links.reduce((sum, { link }) => sum + link.disturbances, 0);
  const before = disturbances();
  return {
    subject,
    begin: () => links.forEach(({ link }) => link.set(state)),
    end: () => links.forEach(({ link }) => link.open()),
    hadEffect: () => disturbances() > before,
  };
}

/** Starts and stops consumers faster than the group can finish a rebalance. */
const rebalanceStorm: FaultKind = {
  name: 'rebalance-storm',
  lastsMs: [0, 1_000],
  make: (cluster, draw) => {
    const waves = Array.from({ length: STORM_WAVES }, () => 1 + draw(MAX_CONSUMERS));
    return { ...scaling(cluster, waves, BETWEEN_WAVES_MS), subject: `${waves.join(', ')} consumers` };
  },
};

/** Scales to one consumer, to the maximum, and to one again. */
const scaleUpAndDown: FaultKind = {
  name: 'scale-1-6-1',
  lastsMs: [8_000, 12_000],
  make: (cluster, draw) => ({
    ...scaling(cluster, [1, MAX_CONSUMERS, 1], 6_000 + draw(4_000)),
    subject: `1, ${MAX_CONSUMERS}, 1 and ${cluster.product.desiredConsumers} consumers`,
  }),
};

function scaling(cluster: Cluster, waves: readonly number[], betweenMs: number): Omit<Fault, 'subject'> {
  return {
    begin: async () => {
      for (const wave of waves) {
        cluster.scale(wave);
        await delay(betweenMs);
      }
    },
    end: () => cluster.scale(),
  };
}

const clockJump: FaultKind = {
  name: 'clock-jump',
  lastsMs: [2_000, 10_000],
  make: (cluster, draw) => {
    const app = oneOf(appNames(cluster.of('consumer').length), draw);
    const shiftMs = oneOf([-3_600_000, -30_000, 30_000, 3_600_000], draw);
    return {
      subject: `${app} by ${shiftMs / 1_000} s`,
      begin: () => cluster.shiftClock(app, shiftMs),
      end: () => cluster.shiftClock(app, 0),
    };
  },
};

/** Drains and restarts every app, one after another, as in an upgrade. */
const rollingRestart: FaultKind = {
  name: 'rolling-restart',
  takesSeconds: 90,
  lastsMs: AT_ONCE,
  make: (cluster) => ({
    subject: 'all apps, one after another',
    begin: async () => {
      for (const app of cluster.apps.all) await cluster.restart(app);
    },
    end: nothing,
  }),
};

/** Restarts every server of a kind in a controlled way, each once the previous one has caught up, or after 30 s: another fault may keep a server down. */
function rolling(name: string, servers: readonly string[]): FaultKind {
  return {
    name,
    takesSeconds: SERVER_SECONDS * servers.length,
    lastsMs: AT_ONCE,
    make: (cluster) => ({
      subject: `${servers.join(', ')}, one after another`,
      begin: async () => {
        for (const each of servers) {
          const server = cluster.servers.server(each);
          await server.stop(STOP_BUDGET_MS);
          await server.start();
          // While a server does not answer, not all are in sync.
          await holdsWithin(WHOLE_WITHIN_MS, () => isWhole(cluster).catch(() => false));
        }
      },
      end: nothing,
    }),
  };
}

/** Whether all replicas are in sync. */
async function isWhole({ kafka, mongo }: Cluster): Promise<boolean> {
  const partitions = await asAdmin(kafka, partitionsOf);
  const { members } = await mongo.client.db('admin').command({ replSetGetStatus: 1 });
  const states = (members as { stateStr: string }[]).map(({ stateStr }) => stateStr);
  return (
    partitions.every(({ isr, replicas }) => isr.length === replicas.length) &&
    states.every((state) => state === 'PRIMARY' || state === 'SECONDARY')
  );
}

async function partitionsOf(admin: Admin): Promise<PartitionMetadata[]> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [ORDERS_TOPIC] });
  return topics.flatMap(({ partitions }) => partitions);
}

/**
 * Moves the leaders of about half of the partitions: rotates their replica lists and elects the preferred leaders. The others stay, so that
 * a client's batch succeeds at one broker and fails at another.
 */
const leaderMoves: FaultKind = {
  name: 'leader-moves',
  lastsMs: [500, 2_000],
  make: ({ kafka, brokers }, draw) => {
    const by = 1 + draw(KAFKA_NODES.length - 1);
    const isMoved = ({ partitionId }: PartitionMetadata): boolean => partitionId === 0 || draw(2) === 0;
    return {
      subject: ORDERS_TOPIC,
      begin: () => asAdmin(kafka, async (admin) => moveLeaders(admin, brokers, by, isMoved)),
      end: nothing,
    };
  },
};

async function moveLeaders(
  admin: Admin,
  brokers: string,
  by: number,
  isMoved: (partition: PartitionMetadata) => boolean,
): Promise<void> {
  const before = await partitionsOf(admin);
  const partitionAssignment = before.filter(isMoved).map(({ partitionId: partition, leader, replicas }) => {
    const place = (replicas.indexOf(leader) + by) % replicas.length;
    return { partition, replicas: [...replicas.slice(place), ...replicas.slice(0, place)] };
  });
  await admin.alterPartitionReassignments({ topics: [{ topic: ORDERS_TOPIC, partitionAssignment }] });
  // Any broker that answers forwards the request to the controller; to elect twice changes nothing.
  await Promise.any(brokers.split(',').map(electPreferredLeaders));
  const led = new Map(before.map(({ partitionId, leader }) => [partitionId, leader]));
  // One move is enough: an unavailable replica can't become the leader.
  const hasMoved = await holdsWithin(ELECTED_WITHIN_MS, async () =>
    (await partitionsOf(admin)).some(({ partitionId, leader }) => led.get(partitionId) !== leader),
  );
  if (!hasMoved) throw new Error('no partition has another leader');
}

const PREFERRED = 0;
const ALL_PARTITIONS = -1;
const ELECTION_TIMEOUT_MS = 5_000;
const THROTTLE_TIME_BYTES = 4;
/** ElectLeaders, version 1, in Kafka's protocol guide: no client has it, and neither has the server's distribution here Kafka's tools. */
const electLeaders = createAPI<[], number>(
  43,
  1,
  () => Writer.create().appendInt8(PREFERRED).appendInt32(ALL_PARTITIONS).appendInt32(ELECTION_TIMEOUT_MS),
  (_correlation, _api, _version, reader) => reader.skip(THROTTLE_TIME_BYTES).readInt16(),
  false,
  false,
);

/** Makes the first replica of every partition its leader. @throws Error with Kafka's error code */
async function electPreferredLeaders(broker: string): Promise<void> {
  const [host = '', port = ''] = broker.split(':');
  const connection = new Connection('chaos', { requestTimeout: 2 * ELECTION_TIMEOUT_MS });
  try {
    await connection.connect(host, Number(port));
    const code = await electLeaders.async(connection);
    if (code !== 0) throw new Error(`Kafka did not elect leaders: error code ${code}`);
  } finally {
    await connection.close();
  }
}

/**
 * Fills the disk of one server. Kafka and MongoDB exit when they can't write; the fault's end frees the disk and starts the server again,
 * as an operator would.
 * @param write makes the server write at once; otherwise it might still use space that it has preallocated
 */
function fullDisk(name: string, subject: string, write: (cluster: Cluster) => void | Promise<void>): FaultKind {
  return {
    name,
    needsSmallDisks: true,
    lastsMs: [3_000, 8_000],
    make: (cluster) => {
      const disk = cluster.diskOf(subject);
      const server = cluster.servers.server(subject);
      let hasEnded = false;
      return {
        subject,
        begin: async () => {
          // Read the pid first: a server that exits while the disk fills is restarted at once, and then fails for lack of space.
          const pid = cluster.apps.pid(subject);
          await disk.fill();
          await write(cluster);
          hasEnded = await holdsWithin(ENDED_WITHIN_MS, () => cluster.running().every((each) => each.pid !== pid));
          await server.kill();
        },
        end: async () => {
          // Kill it also after a failed fill: otherwise a second instance would start beside it.
          await server.kill();
          await disk.free();
          await server.start();
        },
        hadEffect: () => hasEnded,
      };
    },
  };
}

/** All kinds of faults. */
export const FAULT_KINDS: readonly FaultKind[] = [
  kill('kill-consumer', consumer),
  kill('kill-producer', producer),
  kill('kill-query-api', queryApi),
  serverAway('kill-broker', kafkaNode),
  serverAway('kill-primary', primary),
  serverAway('kill-secondary', secondary),
  // The primary is started again only once everything works without it.
  { ...serverAway('primary-away', primary, [2_000, 8_000]), isTolerated: true },
  serverAway('registry-away', () => REGISTRY),
  pause('pause-consumer', consumer),
  pause('pause-producer', publishingProducer),
  pause('pause-query-api', queryApi),
  pause('pause-broker', kafkaNode),
  pause('pause-primary', primary),
  disturb('cut-link', oneLink, { kind: 'cut' }),
  disturb('slow-link', oneLink, (draw) => ({ kind: 'slow', delayMs: 100 + draw(1_400) })),
  disturb('silent-link', oneLink, { kind: 'silent' }),
  disturb('unanswered-link', oneLink, { kind: 'unanswered' }),
  disturb('cut-off-app', anAppToAll, { kind: 'cut' }),
  disturb('silent-app', anAppToAll, { kind: 'silent' }),
  // Longer than the session of a consumer, which still reaches MongoDB: others take over its partitions while it could go on with them.
  { ...disturb('silent-kafka', aConsumerToKafka, { kind: 'silent' }, [20_000, 40_000]), takesSeconds: 70 },
  disturb('cut-off-server', allAppsToServer, { kind: 'cut' }),
  disturb('cut-off-peers', peersToServer, { kind: 'cut' }),
  disturb('silent-peers', peersToServer, { kind: 'silent' }),
  disturb('unanswered-server', allAppsToServer, { kind: 'unanswered' }, [1_000, 4_000]),
  rebalanceStorm,
  scaleUpAndDown,
  clockJump,
  rollingRestart,
  rolling('rolling-kafka', KAFKA_NODES),
  rolling('rolling-mongodb', MONGODB_MEMBERS),
  leaderMoves,
  // Controlled: the node hands its leaderships over and gets some back later.
  serverAway('restart-broker', kafkaNode, [0, 2_000], (server) => server.stop(STOP_BUDGET_MS)),
  // The node is started again only once everything works without it.
  { ...serverAway('broker-away', kafkaNode, [2_000, 8_000]), isTolerated: true },
  // Kafka writes all the time anyway.
  fullDisk('full-kafka-disk', 'Kafka-3', nothing),
  fullDisk('full-mongodb-disk', 'MongoDB-3', (cluster) => cluster.checkpoint('MongoDB-3')),
];
