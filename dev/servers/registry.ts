import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../machine/ports.js';
import { Agent, fetch, type RequestInit } from 'undici';
import type { EmbeddedParts } from '../parts/embedded-parts.js';
import type { ServerProgram } from './server.js';
import type { PrivateAuthority } from './private-authority.js';
import type { ServerUser } from '#service/rights/service-rights.js';

/** Apicurio Registry with a database file, on loopback. It provides the API of the Confluent schema registry. */
export class RegistryServer implements ServerProgram {
  readonly name = 'schema registry';
  readonly logFile: string;
  private readonly directory: string;
  private managementPort = 0;
  private settingsFile: string | undefined;
  /** How this process connects. */
  private readonly access: RequestInit;

  constructor(
    private readonly parts: EmbeddedParts,
    private readonly port: number,
    dataDirectory: string,
    private readonly security?: RegistrySecurity,
  ) {
    this.directory = join(dataDirectory, 'registry');
    this.logFile = join(dataDirectory, 'logs', 'registry.log');
    this.access = security === undefined ? {} : accessOf(security);
  }

  /** The base URL in the form of SCHEMA_REGISTRY_URL. */
  get url(): string {
    return `${this.security === undefined ? 'http' : 'https'}://127.0.0.1:${this.port}/apis/ccompat/v7`;
  }

  async prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    // Its health and metrics endpoints use a separate port, 9000 by default, which is not used here.
    this.managementPort = await freePort();
    if (this.security !== undefined)
      this.settingsFile = await writeRegistryFiles(this.security, this.port, this.directory);
  }

  command(): { file: string; args: readonly string[] } {
    const settings = {
      'quarkus.http.host': '127.0.0.1',
      'quarkus.http.port': this.port,
      'quarkus.http.access-log.enabled': false,
      'quarkus.management.host': '127.0.0.1',
      'quarkus.management.port': this.managementPort,
      'quarkus.log.level': 'WARN',
      'apicurio.storage.kind': 'sql',
      'apicurio.storage.sql.kind': 'h2',
      'apicurio.datasource.url': `jdbc:h2:file:${join(this.directory, 'schemas')}`,
      'apicurio.datasource.username': 'sa',
      'apicurio.datasource.password': 'sa',
      ...(this.settingsFile !== undefined && { 'smallrye.config.locations': this.settingsFile }),
    };
    // Less JIT compilation halves the start-up time, and the registry serves only two schemas.
    const memory = ['-Xms48m', '-Xmx192m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
    const properties = Object.entries(settings).map(([key, value]) => `-D${key}=${value}`);
    return {
      file: this.parts.java,
      args: [...memory, ...properties, '-jar', join(this.parts.registryDirectory, 'quarkus-run.jar')],
    };
  }

  async probe(): Promise<void> {
    const response = await fetch(`${this.url}/subjects`, { ...this.access, signal: AbortSignal.timeout(3_000) });
    await response.arrayBuffer();
    if (!response.ok) throw new Error(`The registry responded with status ${response.status}`);
  }
}

/** Returns how to connect to a secured registry: as its first user. */
function accessOf({ authority, users: [user] }: RegistrySecurity): RequestInit {
  const dispatcher = new Agent({ connect: { ca: authority.certificate } });
  if (user === undefined) return { dispatcher };
  const credentials = Buffer.from(`${user.name}:${user.password}`).toString('base64');
  return { dispatcher, headers: { authorization: `Basic ${credentials}` } };
}

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
async function writeRegistryFiles(
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
