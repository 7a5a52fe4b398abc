import { freePortsInARow } from '../../../dev/machine/ports.js';
import type { ServerLayout } from '../../../dev/servers/embedded-servers.js';
import { ClusterApps } from './cluster-apps.js';
import { PEERS, type Links } from './links.js';
import { redirectSockets } from './redirected-sockets.js';

const ALL = { kafka: true, registry: true, mongodb: true };
const NODES = [1, 2, 3];
export const MOST_CONSUMERS = 6;

export const KAFKA_NODES = NODES.map((n) => `Kafka-${n}`);
export const MONGODB_MEMBERS = NODES.map((n) => `MongoDB-${n}`);
export const REGISTRY = 'schema registry';

/** A server by where it listens, and where whoever asks for it is told that it is. */
interface Place {
  readonly name: string;
  readonly listens: number;
  readonly found: number;
}

/** Where everything of a cluster is. */
export interface Ground {
  readonly layout: ServerLayout;
  /** For each app: from where a server is found to the app's own link there. */
  readonly redirections: ReadonlyMap<string, Readonly<Record<string, number>>>;
}

/** Gives every server its ports, and puts a link between each app and each server, and between each server and its peers. */
export async function layOut(links: Links): Promise<Ground> {
  const ports = {
    kafka: await freePortsInARow(NODES.length),
    registry: await freePortsInARow(1),
    mongodb: await freePortsInARow(NODES.length),
  };
  const kafkaPeers = [];
  for (const name of KAFKA_NODES) {
    const listens = await freePortsInARow(1);
    kafkaPeers.push({ listens, found: await links.add(PEERS, name, listens) });
  }
  const mongodb: Place[] = [];
  for (const [at, name] of MONGODB_MEMBERS.entries()) {
    const listens = ports.mongodb + at;
    mongodb.push({ name, listens, found: await links.add(PEERS, name, listens) });
  }
  const kafka = KAFKA_NODES.map((name, at) => ({ name, listens: ports.kafka + at, found: ports.kafka + at }));
  const places = [...kafka, ...mongodb, { name: REGISTRY, listens: ports.registry, found: ports.registry }];
  const redirections = new Map<string, Record<string, number>>();
  for (const app of ClusterApps.names(MOST_CONSUMERS)) {
    const own: Record<string, number> = {};
    for (const { name, listens, found } of places) own[String(found)] = await links.add(app, name, listens);
    redirections.set(app, own);
  }
  // Whoever runs all this must see what is, whatever its servers' peers can reach.
  redirectSockets(new Map(mongodb.map(({ found, listens }) => [found, listens])));
  const peers = { kafka: kafkaPeers, mongodb: mongodb.map(({ found }) => found) };
  return { layout: { choice: ALL, ports, isReplicated: true, peers }, redirections };
}
