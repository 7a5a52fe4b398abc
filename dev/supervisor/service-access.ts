import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SERVICE_RIGHTS, SERVICES, type ServiceName } from '#service/rights/service-rights.js';
import type { ServerAddresses } from '../servers/embedded-servers.js';
import { mongodbUri } from '../servers/mongodb-server.js';
import type { StackSecurity } from '../servers/stack-security.js';

/** The settings with which each service connects to secured servers. Secrets are in files: the settings have only their paths. */
export type ServiceAccess = Readonly<Record<ServiceName, NodeJS.ProcessEnv>>;

/** Services that a person runs, with a file of settings for `node --env-file`. */
const COMMANDS: readonly ServiceName[] = ['reconcile', 'admin'];

/**
 * Writes the secrets of all services, one folder for each, that only the owner can read, and a file of settings for each command.
 * @param memberPorts where clients reach the members of MongoDB's set
 */
export async function writeServiceAccess(
  security: StackSecurity,
  addresses: ServerAddresses,
  memberPorts: readonly number[],
): Promise<ServiceAccess> {
  const entries = SERVICES.map(
    async (service) => [service, await writeAccess(security, service, memberPorts)] as const,
  );
  const access = Object.fromEntries(await Promise.all(entries)) as Record<ServiceName, NodeJS.ProcessEnv>;
  for (const service of COMMANDS) {
    const { MONGODB_URI: _open, ...shared } = addresses;
    const lines = Object.entries({ ...shared, ...access[service] }).map(([name, value]) => `${name}=${value}\n`);
    await writeFile(settingsFile(security, service), lines.join(''), { mode: 0o600 });
  }
  return access;
}

/** The file of settings for a command, such as of `npm run admin`. */
export function settingsFile({ folder }: Pick<StackSecurity, 'folder'>, service: ServiceName): string {
  return join(folder, `${service}.env`);
}

async function writeAccess(
  security: StackSecurity,
  service: ServiceName,
  memberPorts: readonly number[],
): Promise<NodeJS.ProcessEnv> {
  const { authorityFile } = security;
  const user = security.user(service);
  const folder = join(security.folder, service);
  await mkdir(folder, { mode: 0o700 });
  const write = async (name: string, secret: string): Promise<string> => {
    const file = join(folder, name);
    await writeFile(file, secret, { mode: 0o600 });
    return file;
  };
  const { kafka, registersSchema } = SERVICE_RIGHTS[service];
  return {
    MONGODB_URI_FILE: await write('mongodb-uri', mongodbUri(memberPorts, { user, authorityFile })),
    ...(kafka.length > 0 && {
      KAFKA_SSL: 'true',
      KAFKA_SSL_CA_FILE: authorityFile,
      KAFKA_SASL_MECHANISM: 'scram-sha-512',
      KAFKA_SASL_USERNAME: user.name,
      KAFKA_SASL_PASSWORD_FILE: await write('kafka-password', user.password),
    }),
    ...(registersSchema && {
      SCHEMA_REGISTRY_CA_FILE: authorityFile,
      SCHEMA_REGISTRY_USERNAME: user.name,
      SCHEMA_REGISTRY_PASSWORD_FILE: await write('registry-password', user.password),
    }),
  };
}
