import { MongoClient, MongoServerError, type MongoClientOptions } from 'mongodb';
import { timeLimit } from '#orders/time-limit.js';

const NOT_YET_INITIALIZED = 94;
const NO_REPLICATION_ENABLED = 76;
const OPTIONS: MongoClientOptions = {
  serverSelectionTimeoutMS: timeLimit(3_000),
  connectTimeoutMS: timeLimit(3_000),
  socketTimeoutMS: timeLimit(10_000),
};

/** Thrown when the address has no replica set, or its members run without one. */
export class ReplicaSetError extends Error {
  override readonly name = 'ReplicaSetError';
  readonly code = 'bad-replica-set';
}

/**
 * Initiates the replica set of an address if no member has one yet: its members are the hosts of the address, in this order. The address
 * signs in by the key file (`__system`), because there are no users yet.
 * @returns whether it was initiated now
 * @throws an error while a member does not answer: all of them must, or a set that lost its first member could be initiated again
 */
export async function initiateReplicaSet(uri: string): Promise<boolean> {
  const { hosts, name } = partsOf(uri);
  const configured = await Promise.all(hosts.map(async (host) => isConfigured(withHost(uri, host))));
  if (configured.some(Boolean)) return false;
  const members = hosts.map((host, _id) => ({ _id, host }));
  await atMember(withHost(uri, hosts[0] ?? ''), async (client) =>
    client.db('admin').command({ replSetInitiate: { _id: name, members } }),
  );
  return true;
}

async function isConfigured(uri: string): Promise<boolean> {
  return atMember(uri, async (client) => {
    try {
      await client.db('admin').command({ replSetGetConfig: 1 });
      return true;
    } catch (error) {
      if (error instanceof MongoServerError && error.code === NOT_YET_INITIALIZED) return false;
      if (error instanceof MongoServerError && error.code === NO_REPLICATION_ENABLED)
        throw new ReplicaSetError('A member of MongoDB runs without --replSet: start it with the name of the set.');
      throw error;
    }
  });
}

async function atMember<T>(uri: string, work: (client: MongoClient) => Promise<T>): Promise<T> {
  const client = new MongoClient(uri, { ...OPTIONS, appName: 'orders-admin' });
  try {
    return await work(client);
  } finally {
    await client.close();
  }
}

/** Returns the hosts and the name of the set in an address. @throws ReplicaSetError */
export function partsOf(uri: string): { readonly hosts: readonly string[]; readonly name: string } {
  const [, hosts = ''] = HOSTS.exec(uri) ?? [];
  const name = new URLSearchParams(uri.split('?')[1]).get('replicaSet');
  if (name === null || hosts === '')
    throw new ReplicaSetError('MONGODB_URI must name the hosts of the members, and the set as replicaSet=NAME.');
  return { hosts: hosts.split(','), name };
}

/** Returns the address of one member alone. */
export function withHost(uri: string, host: string): string {
  const [address = '', query] = uri.replace(HOSTS, (text, hosts: string) => text.replace(hosts, host)).split('?');
  const options = new URLSearchParams(query);
  options.delete('replicaSet');
  options.set('directConnection', 'true');
  return `${address}?${options.toString()}`;
}

const HOSTS = /(?<=^mongodb:\/\/(?:[^@/]*@)?)([^@/?]+)(?=[/?]|$)/;
