import { isDeepStrictEqual } from 'node:util';
import type { Db } from 'mongodb';
import {
  SERVICE_RIGHTS,
  type CollectionAccess,
  type ServiceName,
  SERVICES,
  type ServerUser,
} from './service-rights.js';

/** A privilege in the form of MongoDB's `createRole`. */
export interface MongodbPrivilege {
  readonly resource: { readonly db: string; readonly collection: string } | { readonly cluster: true };
  readonly actions: readonly string[];
}

/** A role in the form of MongoDB's `createRole`, in the database `admin`: the oplog is in another database than the orders. */
interface MongodbRole {
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

/** How a stored role differs from the table. */
interface RoleDifference {
  readonly wanted: MongodbRole;
  /** `missing`: it does not exist; `other`: it has other privileges. */
  readonly kind: 'missing' | 'other';
}

/** The database of the roles. */
export const ROLES_DB = 'admin';

/** Returns the roles that are missing or differ. @param admin the database `admin` @param db the database of the orders */
export async function roleDifferences(admin: Db, db: string): Promise<RoleDifference[]> {
  const names = SERVICES.map((service) => ({ role: roleName(service), db: ROLES_DB }));
  const { roles } = (await admin.command({ rolesInfo: names, showPrivileges: true })) as { roles: MongodbRole[] };
  const stored = new Map(roles.map((each) => [each.role, each]));
  return SERVICES.flatMap((service) => {
    const wanted = mongodbRole(service, db);
    const found = stored.get(wanted.role);
    if (found === undefined) return { wanted, kind: 'missing' as const };
    return isDeepStrictEqual(sorted(found), sorted(wanted)) ? [] : { wanted, kind: 'other' as const };
  });
}

/** Creates a missing role, or replaces the privileges of one that differs. Connected users have the new ones at once. */
export async function applyRole(admin: Db, { wanted, kind }: RoleDifference): Promise<void> {
  const { role, privileges, roles } = wanted;
  const command = kind === 'missing' ? { createRole: role } : { updateRole: role };
  await admin.command({ ...command, privileges, roles });
}

/** MongoDB keeps neither the order of privileges nor that of actions. */
function sorted({ privileges, roles }: MongodbRole): string[] {
  const allowed = privileges.map(
    ({ resource, actions }) =>
      `${'cluster' in resource ? 'cluster' : `${resource.db}.${resource.collection}`}: ${actions.toSorted().join(' ')}`,
  );
  return [...allowed, ...roles.map(({ role, db }) => `${role} of ${db}`)].toSorted();
}

/** A user of MongoDB with the role of a service. */
interface MongodbUser extends ServerUser {
  readonly role: string;
}

interface StoredUser {
  readonly user: string;
  readonly roles: readonly { readonly role: string }[];
}

/** Creates users, or gives those that exist their password and role. Connected ones stay connected. @param admin the database `admin` */
export async function setMongodbUsers(admin: Db, users: readonly MongodbUser[]): Promise<void> {
  const existing = new Set((await storedUsers(admin)).map(({ user }) => user));
  for (const { name, password, role } of users) {
    const command = existing.has(name) ? { updateUser: name } : { createUser: name };
    const roles = [{ role, db: ROLES_DB }];
    await admin.command({ ...command, pwd: password, roles, mechanisms: ['SCRAM-SHA-256'] });
  }
}

/** Returns the names of users with the role of a service, in the database `admin`. */
export async function mongodbServiceUsers(admin: Db): Promise<string[]> {
  const ours = new Set(SERVICES.map((service) => roleName(service)));
  return (await storedUsers(admin))
    .filter(({ roles }) => roles.some(({ role }) => ours.has(role)))
    .map(({ user }) => user);
}

/** Removes users. MongoDB rejects their next commands, also on open connections. */
export async function removeMongodbUsers(admin: Db, names: readonly string[]): Promise<void> {
  for (const name of names) await admin.command({ dropUser: name });
}

async function storedUsers(admin: Db): Promise<readonly StoredUser[]> {
  const { users } = (await admin.command({ usersInfo: 1 })) as { users: StoredUser[] };
  return users;
}
