import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PrivateAuthority } from './private-authority.js';
import type { ServerUser } from '#service/rights/service-rights.js';

/** TLS and users of a schema registry. */
export interface RegistrySecurity {
  readonly authority: PrivateAuthority;
  /** Users who may register schemas and read them. All others are rejected. */
  readonly users: readonly ServerUser[];
}

/** Apicurio's name of the role that may register schemas and set their compatibility, but not change global rules. */
const DEVELOPER = 'sr-developer';

/**
 * Writes the registry's new certificate and a file of settings with the users' passwords. Only the owner can read them.
 * @returns the path of the settings
 */
export async function writeRegistryFiles(
  { authority, users }: RegistrySecurity,
  port: number,
  directory: string,
): Promise<string> {
  const { certificate, key } = await authority.issue('orders-registry', ['127.0.0.1']);
  const [certificateFile, keyFile] = [join(directory, 'registry.pem'), join(directory, 'registry-key.pem')];
  await writeFile(certificateFile, certificate);
  await writeFile(keyFile, key, { mode: 0o600 });
  const embedded = 'quarkus.security.users.embedded';
  const settings: Record<string, string | number> = {
    'quarkus.http.insecure-requests': 'disabled',
    'quarkus.http.ssl-port': port,
    'quarkus.http.ssl.certificate.files': certificateFile,
    'quarkus.http.ssl.certificate.key-files': keyFile,
    'apicurio.authn.enabled': 'true',
    'apicurio.auth.role-based-authorization': 'true',
    'quarkus.http.auth.basic': 'true',
    [`${embedded}.plain-text`]: 'true',
    ...Object.fromEntries(
      users.flatMap(({ name, password }) => [
        [`${embedded}.users."${name}"`, password],
        [`${embedded}.roles."${name}"`, DEVELOPER],
      ]),
    ),
  };
  const file = join(directory, 'registry.properties');
  const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
  await writeFile(file, lines.join(''), { mode: 0o600 });
  return file;
}
