import { freePortsInARow } from '../../../dev/machine/ports.js';
import type { ServerLayout } from '../../../dev/servers/embedded-servers.js';
import { ClusterApps } from './cluster-apps.js';
import { PEERS, type Links } from './links.js';
import { redirectSockets } from './redirected-sockets.js';

const NODES = [1, 2, 3];
export const MAX_CONSUMERS = 6;

export const KAFKA_NODES = NODES.map((n) => `Kafka-${n}`);
export const MONGODB_MEMBERS = NODES.map((n) => `MongoDB-${n}`);
export const REGISTRY = 'schema registry';

/** A server with the port on which it listens and the port that it advertises. */
interface Place {
  readonly name: string;
  readonly listens: number;
  readonly advertised: number;
}

/** The ports and links of a cluster. */
export interface ClusterLayout {
  /** As environment variables of `npm start`. */
  readonly ports: Readonly<Record<'KAFKA_PORT' | 'REGISTRY_PORT' | 'MONGODB_PORT', string>>;
  readonly peers: NonNullable<ServerLayout['peers']>;
  /** For each app: a map from advertised ports to the ports of the app's own links. */
  readonly redirections: ReadonlyMap<string, Readonly<Record<string, number>>>;
}

/** Assigns ports to all servers, and creates a link from each app to each server and from each server's peers to it. */
export async function createLayout(links: Links): Promise<ClusterLayout> {
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
    mongodb.push({ name, listens, advertised: await links.add(PEERS, name, listens) });
  }
  const kafka = KAFKA_NODES.map((name, at) => ({ name, listens: ports.kafka + at, advertised: ports.kafka + at }));
  const places = [...kafka, ...mongodb, { name: REGISTRY, listens: ports.registry, advertised: ports.registry }];
  const redirections = new Map<string, Record<string, number>>();
  for (const app of ClusterApps.names(MAX_CONSUMERS)) {
    const own: Record<string, number> = {};
    for (const { name, listens, advertised } of places) own[String(advertised)] = await links.add(app, name, listens);
    redirections.set(app, own);
  }
  // The run itself must reach MongoDB directly, even while the members' peers can't.
  redirectSockets(new Map(mongodb.map(({ advertised, listens }) => [advertised, listens])));
  const peers = { kafka: kafkaPeers, mongodb: mongodb.map(({ advertised }) => advertised) };
  const [KAFKA_PORT, REGISTRY_PORT, MONGODB_PORT] = [
    String(ports.kafka),
    String(ports.registry),
    String(ports.mongodb),
  ];
  return { ports: { KAFKA_PORT, REGISTRY_PORT, MONGODB_PORT }, peers, redirections };
}
