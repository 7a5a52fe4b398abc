import type { Cluster } from '../cluster/cluster.js';
import { KAFKA_NODES, MONGODB_MEMBERS } from '../cluster/ground.js';
import type { LinkState } from '../cluster/link-state.js';
import { PEERS, type NamedLink } from '../cluster/links.js';
import { consumersOf, oneOf, type Draw, type FaultKind } from './fault.js';

const SERVERS = [...KAFKA_NODES, ...MONGODB_MEMBERS];

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
      const wanted = state(draw);
      const disturbances = (): number => links.reduce((sum, { link }) => sum + link.disturbances, 0);
      const before = disturbances();
      return Promise.resolve({
        subject,
        begin: async () => Promise.resolve(cluster.links.set(links, wanted)),
        end: async () => Promise.resolve(cluster.links.set(links, { kind: 'open' })),
        hadEffect: () => disturbances() > before,
      });
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

/** Links that are cut, slow or silent, or that forward no responses. */
export const LINK_FAULTS: readonly FaultKind[] = [
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
];
