import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../machine/ports.js';
import type { EmbeddedParts } from '../parts/embedded-parts.js';
import type { ServerProgram } from './server-program.js';

/** Apicurio Registry with a database file, on loopback. It provides the API of the Confluent schema registry. */
export class RegistryServer implements ServerProgram {
  readonly name = 'schema registry';
  readonly logFile: string;
  private readonly directory: string;
  private managementPort = 0;

  constructor(
    private readonly parts: EmbeddedParts,
    private readonly port: number,
    dataDirectory: string,
  ) {
    this.directory = join(dataDirectory, 'registry');
    this.logFile = join(dataDirectory, 'logs', 'registry.log');
  }

  /** The base URL in the form of SCHEMA_REGISTRY_URL. */
  get url(): string {
    return `http://127.0.0.1:${this.port}/apis/ccompat/v7`;
  }

  async prepare(): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    // Its health and metrics endpoints use a separate port, 9000 by default, which is not used here.
    this.managementPort = await freePort();
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
    const response = await fetch(`${this.url}/subjects`, { signal: AbortSignal.timeout(3_000) });
    if (!response.ok) throw new Error(`The registry responded with status ${response.status}`);
    await response.arrayBuffer();
  }
}
