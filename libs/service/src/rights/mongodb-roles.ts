import { SERVICE_RIGHTS, type CollectionAccess, type ServiceName } from './service-rights.js';

/** A privilege in the form of MongoDB's `createRole`. */
export interface MongodbPrivilege {
  readonly resource: { readonly db: string; readonly collection: string } | { readonly cluster: true };
  readonly actions: readonly string[];
}

/** A role in the form of MongoDB's `createRole`, in the database `admin`: the oplog is in another database than the orders. */
export interface MongodbRole {
  readonly role: string;
  readonly privileges: readonly MongodbPrivilege[];
  /** Roles of MongoDB itself that it includes. */
  readonly roles: readonly { readonly role: string; readonly db: string }[];
}

const ACTIONS: Readonly<Record<CollectionAccess, readonly string[]>> = {
  read: ['find'],
  insert: ['find', 'insert'],
  write: ['find', 'insert', 'update', 'remove'],
};

/** A backup makes the server keep the history of its snapshot; a restore finds out which services are connected. */
const ON_SERVER: MongodbPrivilege = {
  resource: { cluster: true },
  actions: ['getParameter', 'inprog', 'setParameter'],
};

/** Returns the name of a service's role, and of its user in the secured stack. */
export function roleName(service: ServiceName): string {
  return `orders-${service}`;
}

/** Returns the role of a service. @param db the database of the orders */
export function mongodbRole(service: ServiceName, db: string): MongodbRole {
  const { collections, verifies, readsOplog, administers } = SERVICE_RIGHTS[service];
  const actions = new Map<string, readonly string[]>();
  const add = (collection: string, more: readonly string[]): void =>
    void actions.set(collection, [...new Set([...(actions.get(collection) ?? []), ...more])].toSorted());
  for (const [collection, access] of Object.entries(collections)) add(collection, ACTIONS[access]);
  for (const collection of verifies) add(collection, ['listIndexes']);
  const own = [...actions]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([collection, allowed]) => ({ resource: { db, collection }, actions: allowed }));
  const oplog = { resource: { db: 'local', collection: 'oplog.rs' }, actions: ['find'] };
  return {
    role: roleName(service),
    privileges: [...own, ...(readsOplog ? [oplog] : []), ...(administers ? [ON_SERVER] : [])],
    roles: administers
      ? [
          { role: 'dbOwner', db },
          { role: 'userAdminAnyDatabase', db: 'admin' },
        ]
      : [],
  };
}
