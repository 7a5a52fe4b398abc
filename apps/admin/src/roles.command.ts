import { InvalidArgumentError, type Command } from 'commander';
import {
  aclDifferences,
  addAcls,
  aclCommands,
  describeAcl,
  kafkaAcls,
  type NameUser,
} from '#service/rights/kafka-rights.js';
import { applyRole, roleDifferences, ROLES_DB, mongodbRole, roleName } from '#service/rights/mongodb-rights.js';
import { SERVICES, type ServiceName } from '#service/rights/service-rights.js';
import { withServers, type Servers } from './connections.js';
import { EXIT_CODE, type ExitCode, type Run } from './environment.js';
import { readSettings } from './settings.js';

type UserNames = Partial<Record<ServiceName, string>>;

/** Adds `roles`, `roles plan` and `roles apply`: the rights of each service in Kafka and MongoDB. */
export function addRolesCommands(program: Command, run: Run): void {
  const roles = program
    .command('roles')
    .description('the rights of each service; alone, print the commands that give them')
    .option('--db <name>', 'the database of the orders, to print its roles', 'orders')
    .option('--kafka-user <service=name>', 'the name of a service in Kafka; default orders-SERVICE', userName, {})
    .action(
      run(async ({ print }, options: { readonly db: string; readonly kafkaUser: UserNames }) => {
        for (const line of rolesAsCommands(options.db, namesOf(options.kafkaUser))) print(line);
        return EXIT_CODE.ok;
      }),
    );
  const connected = (work: (context: RolesContext) => Promise<ExitCode>) =>
    run(async ({ env, print }) => {
      const nameUser = namesOf(roles.opts<{ kafkaUser: UserNames }>().kafkaUser);
      return withServers(readSettings(env), async ({ admin, mongo }) => work({ admin, mongo, nameUser, print }));
    });
  roles.command('plan').description('print what apply would do').action(connected(planRoles));
  roles
    .command('apply')
    .description('create and correct the roles in MongoDB, and add missing ACLs; removes no ACL, creates no user')
    .action(connected(applyRoles));
}

interface RolesContext extends Pick<Servers, 'admin' | 'mongo'> {
  readonly nameUser: NameUser;
  readonly print: (line: string) => void;
}

/** Returns the commands of MongoDB's shell and of Kafka's own tool that give every service its rights. */
function rolesAsCommands(db: string, nameUser: NameUser): string[] {
  return [
    '// MongoDB, in mongosh as a user with userAdminAnyDatabase. For an existing role: updateRole instead of createRole.',
    ...SERVICES.map((service) => {
      const { role, ...rights } = mongodbRole(service, db);
      return `db.getSiblingDB('${ROLES_DB}').runCommand(${JSON.stringify({ createRole: role, ...rights })})`;
    }),
    '# Kafka, as a user with Alter on the cluster.',
    ...aclCommands(kafkaAcls(nameUser)),
  ];
}

async function planRoles({ admin, mongo: { client, db }, nameUser, print }: RolesContext): Promise<ExitCode> {
  const { missing, others } = await aclDifferences(admin, kafkaAcls(nameUser));
  const roles = await roleDifferences(client.db(ROLES_DB), db.databaseName);
  for (const { wanted, kind } of roles)
    print(
      kind === 'missing' ? `Role ${wanted.role} is missing in MongoDB.` : `Role ${wanted.role} has other privileges.`,
    );
  for (const acl of missing) print(`An ACL is missing in Kafka: ${describeAcl(acl)}.`);
  for (const other of others)
    print(`Kafka has an ACL that no service needs; kafka-acls.sh --remove removes it: ${other}.`);
  if (roles.length + missing.length > 0) return EXIT_CODE.differs;
  print('Every service has the rights that it needs.');
  return EXIT_CODE.ok;
}

async function applyRoles(context: RolesContext): Promise<ExitCode> {
  const { admin, mongo, nameUser, print } = context;
  const database = mongo.client.db(ROLES_DB);
  for (const difference of await roleDifferences(database, mongo.db.databaseName)) {
    await applyRole(database, difference);
    print(`${difference.kind === 'missing' ? 'created' : 'corrected'} role ${difference.wanted.role}`);
  }
  const { missing } = await aclDifferences(admin, kafkaAcls(nameUser));
  if (missing.length > 0) await addAcls(admin, missing);
  for (const acl of missing) print(`added: ${describeAcl(acl)}`);
  return planRoles(context);
}

function userName(text: string, before: UserNames): UserNames {
  const [name = '', user = ''] = text.split('=');
  const service = SERVICES.find((each) => each === name);
  if (service === undefined || user === '')
    throw new InvalidArgumentError(`Give SERVICE=NAME, with one of ${SERVICES.join(', ')}.`);
  return { ...before, [service]: user };
}

function namesOf(users: UserNames): NameUser {
  return (service) => users[service] ?? roleName(service);
}
