import type { Db } from 'mongodb';
import { ROLES_DB } from './apply-mongodb-roles.js';
import { roleName } from './mongodb-roles.js';
import type { ServerUser } from './server-user.js';
import { SERVICES } from './service-rights.js';

/** A user of MongoDB with the role of a service. */
export interface MongodbUser extends ServerUser {
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
