import { MongoClient, MongoServerError, type Db, type Document, type MongoClientOptions } from 'mongodb';

/** The part of a replica set's configuration that is read; the rest is kept as it is. */
export interface ReplicaSetConfig {
  readonly version: number;
  readonly members: readonly { readonly host: string }[];
}

/** The desired set, which the first member configures. */
export interface WantedSet {
  readonly name: string;
  readonly hosts: readonly string[];
}

const NOT_YET_INITIALIZED = 94;

/** Returns what a member must do to configure its set. @param config the current configuration; undefined for a fresh mongod */
export function replicaSetStep(
  config: ReplicaSetConfig | undefined,
  place: number,
  { name, hosts }: WantedSet,
): { command: Document } | 'wait' {
  // Only one member may initiate: two that begin at once would create two sets.
  if (place !== 0) return 'wait';
  if (config === undefined)
    return { command: { replSetInitiate: { _id: name, members: hosts.map((each, _id) => ({ _id, host: each })) } } };
  if (config.members.every((member, at) => member.host === hosts[at])) return 'wait';
  // The ports differ from the last start: no member finds itself in its own configuration, so only a forced reconfiguration works.
  const members = config.members.map((member, at) => ({ ...member, host: hosts[at] }));
  return { command: { replSetReconfig: { ...config, version: config.version + 1, members }, force: true } };
}

/**
 * Resolves when the mongod at `host` is a member of its set and the set has a primary. Applies what is missing for that: the first
 * configuration, or new ports in an old one. Rejects until then. Idempotent.
 */
export async function serveInReplicaSet(
  host: string,
  place: number,
  wanted: WantedSet,
  access: MongoClientOptions = {},
): Promise<void> {
  const client = new MongoClient(`mongodb://${host}/?directConnection=true`, {
    ...access,
    serverSelectionTimeoutMS: 1_000,
    connectTimeoutMS: 1_000,
    socketTimeoutMS: 5_000,
  });
  try {
    const admin = client.db('admin');
    const step = replicaSetStep(await configOf(admin), place, wanted);
    if (step !== 'wait') await admin.command(step.command);
    const { isWritablePrimary, secondary, primary } = await admin.command({ hello: 1 });
    if (isWritablePrimary !== true && !(secondary === true && primary !== undefined))
      throw new Error('The member is neither primary nor a secondary with a primary yet');
  } finally {
    await client.close();
  }
}

async function configOf(admin: Db): Promise<ReplicaSetConfig | undefined> {
  try {
    const { config } = await admin.command({ replSetGetConfig: 1 });
    if (isConfig(config)) return config;
    throw new Error('replSetGetConfig returned no configuration');
  } catch (error) {
    if (error instanceof MongoServerError && error.code === NOT_YET_INITIALIZED) return undefined;
    throw error;
  }
}

function isConfig(value: unknown): value is ReplicaSetConfig {
  if (typeof value !== 'object' || value === null || !('version' in value) || !('members' in value)) return false;
  return typeof value.version === 'number' && Array.isArray(value.members);
}
