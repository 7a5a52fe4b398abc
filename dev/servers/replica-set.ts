import { MongoClient, MongoServerError, type Db, type Document } from 'mongodb';

/** What is read of a replica set's configuration; the rest of it is kept as it is. */
export interface ReplicaSetConfig {
  readonly version: number;
  readonly members: readonly { readonly host: string }[];
}

const NOT_YET_INITIALIZED = 94;

/** What is to be done about a replica set of one, given its configuration, or undefined for a fresh mongod. */
export function replicaSetStep(
  config: ReplicaSetConfig | undefined,
  host: string,
  name: string,
): { command: Document } | 'wait' {
  if (config === undefined) return { command: { replSetInitiate: { _id: name, members: [{ _id: 0, host }] } } };
  const [member] = config.members;
  if (member?.host === host) return 'wait';
  // The port is another than at the last start: the member doesn't find itself in its own configuration, and only force helps.
  const moved = { ...config, version: config.version + 1, members: [{ ...member, host }] };
  return { command: { replSetReconfig: moved, force: true } };
}

/**
 * Resolves when the mongod at `host` is the primary of its set of one, and does what is lacking for it: the first
 * configuration, or the new port in an old one. Rejects while it isn't primary yet. Repeating it is harmless.
 */
export async function becomePrimary(host: string, name: string): Promise<void> {
  const client = new MongoClient(`mongodb://${host}/?directConnection=true`, {
    serverSelectionTimeoutMS: 1_000,
    connectTimeoutMS: 1_000,
    socketTimeoutMS: 5_000,
  });
  try {
    const admin = client.db('admin');
    const step = replicaSetStep(await configOf(admin), host, name);
    if (step !== 'wait') await admin.command(step.command);
    const { isWritablePrimary } = await admin.command({ hello: 1 });
    if (isWritablePrimary !== true) throw new Error('Not primary yet');
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
