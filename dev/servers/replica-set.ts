import { MongoClient, MongoServerError, type Db, type Document } from 'mongodb';

/** What is read of a replica set's configuration; the rest of it is kept as it is. */
export interface ReplicaSetConfig {
  readonly version: number;
  readonly members: readonly { readonly host: string }[];
}

/** A set as it shall be; the first member sees to that. */
export interface WantedSet {
  readonly name: string;
  readonly hosts: readonly string[];
}

const NOT_YET_INITIALIZED = 94;

/** What the member at a place has to do about its set, given its configuration, or undefined for a fresh mongod. */
export function replicaSetStep(
  config: ReplicaSetConfig | undefined,
  place: number,
  { name, hosts }: WantedSet,
): { command: Document } | 'wait' {
  // One does it: two that began at once would make two sets.
  if (place !== 0) return 'wait';
  if (config === undefined)
    return { command: { replSetInitiate: { _id: name, members: hosts.map((each, _id) => ({ _id, host: each })) } } };
  if (config.members.every((member, at) => member.host === hosts[at])) return 'wait';
  // The ports are others than at the last start: no member finds itself in its own configuration, and only force helps.
  const members = config.members.map((member, at) => ({ ...member, host: hosts[at] }));
  return { command: { replSetReconfig: { ...config, version: config.version + 1, members }, force: true } };
}

/**
 * Resolves when the mongod that listens at `host` has its place in its set, and that has a primary. Does what is lacking for it: the first
 * configuration, or the new ports in an old one. Rejects while it isn't so far. Repeating it is harmless.
 */
export async function serveInReplicaSet(host: string, place: number, wanted: WantedSet): Promise<void> {
  const client = new MongoClient(`mongodb://${host}/?directConnection=true`, {
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
      throw new Error('Neither the primary of its set yet, nor secondary to one');
  } finally {
    await client.close();
  }
}

async function configOf(admin: Db): Promise<ReplicaSetConfig | undefined> {
  try {
    const { config } = await admin.command({ replSetGetConfig: 1 });
    if (isConfig(config)) return config;
    throw new Error('replSetGetConfig gave no configuration');
  } catch (error) {
    if (error instanceof MongoServerError && error.code === NOT_YET_INITIALIZED) return undefined;
    throw error;
  }
}

function isConfig(value: unknown): value is ReplicaSetConfig {
  if (typeof value !== 'object' || value === null || !('version' in value) || !('members' in value)) return false;
  return typeof value.version === 'number' && Array.isArray(value.members);
}
