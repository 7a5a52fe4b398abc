import { isDeepStrictEqual } from 'node:util';
import type { Db } from 'mongodb';
import { mongodbRole, roleName, type MongodbRole } from './mongodb-roles.js';
import { SERVICES } from './service-rights.js';

/** How a stored role differs from the table. */
export interface RoleDifference {
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
