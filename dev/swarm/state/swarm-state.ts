import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { SERVICES } from '#service/rights/service-rights.js';
import { randomClusterId } from '../../servers/kafka-server.js';

const UserSchema = z.object({ service: z.enum(SERVICES), name: z.string(), password: z.string() });

/** Everything of a swarm that can't be made again: it is stored on the operator's machine, and must be kept safe. */
export const SwarmStateSchema = z.object({
  /** Of Kafka: the services accept no other. */
  clusterId: z.string(),
  /** The users that the services use, one for each. */
  users: z.array(UserSchema),
  /** Users that are still valid while services are updated. */
  retiring: z.array(UserSchema),
  /** The keys of MongoDB's members, the one that they sign in with first. */
  mongodbKeys: z.array(z.string()).min(1),
  pageToken: z.string(),
  pageTokensBefore: z.array(z.string()).min(1),
  scalerToken: z.string(),
  grafanaPassword: z.string(),
  facadeClientSecret: z.string(),
});

export type SwarmState = z.infer<typeof SwarmStateSchema>;
export type SwarmUser = z.infer<typeof UserSchema>;

/** What connects to the servers in a swarm. `reconcile` runs with the producer's user. */
export const SWARM_SERVICES = ['producer', 'consumer', 'query-api', 'console', 'facade', 'admin'] as const;
export type SwarmService = (typeof SWARM_SERVICES)[number];

/** Returns the state of a new swarm. */
export function newState(): SwarmState {
  return {
    clusterId: randomClusterId(),
    users: SWARM_SERVICES.map((service) => newUser(service, undefined)),
    retiring: [],
    mongodbKeys: [randomKey()],
    pageToken: randomSecret(),
    // The setting may not be empty. This one has signed nothing.
    pageTokensBefore: [randomSecret()],
    scalerToken: randomSecret(),
    grafanaPassword: randomSecret(),
    facadeClientSecret: randomSecret(),
  };
}

/** Returns a user of another name than the one before, since a user has one password only. */
export function newUser(service: SwarmService, before: SwarmUser | undefined): SwarmUser {
  const number = Number(/-(\d+)$/.exec(before?.name ?? '')?.[1] ?? 0) + 1;
  return { service, name: `orders-${service}-${number}`, password: randomSecret() };
}

export function randomSecret(): string {
  return randomBytes(24).toString('base64url');
}

/** Returns a key of MongoDB's members, which may have the characters of base64 only. */
export function randomKey(): string {
  return randomBytes(48).toString('base64');
}
