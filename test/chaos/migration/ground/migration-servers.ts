import { mkdir } from 'node:fs/promises';
import { signalIfRunning } from '../../../../dev/machine/process-table.js';
import { freePortsInARow } from '../../../../dev/machine/ports.js';
import { provideParts } from '../../../../dev/parts/embedded-parts.js';
import { DataDirectory } from '../../../../dev/servers/data-directory.js';
import { EmbeddedServers, type ServerAddresses } from '../../../../dev/servers/embedded-servers.js';

const ALL = { kafka: true, registry: true, mongodb: true };
const STOP_BUDGET_MS = 15_000;

/** Kafka, MongoDB and the registry, one of each: the servers of all journeys of a run. */
export class MigrationServers {
  /** Kills all processes when the run exits at once: its data are not needed. */
  private readonly atExit = (): void => {
    for (const { pid } of this.data.records.running()) signalIfRunning(pid, 'SIGKILL');
  };

  private constructor(
    readonly servers: EmbeddedServers,
    readonly data: DataDirectory,
    readonly addresses: ServerAddresses,
    readonly mongodbPort: number,
  ) {
    process.on('exit', this.atExit);
  }

  /** Resolves when all servers are ready. @throws StackError if they can't start; no process is left running then */
  static async start(directory: string, print: (line: string) => void, signal: AbortSignal): Promise<MigrationServers> {
    await mkdir(directory, { recursive: true });
    const data = await DataDirectory.open(directory, print);
    let servers: EmbeddedServers | undefined;
    try {
      const parts = await provideParts(ALL, print, signal);
      const ports = {
        kafka: await freePortsInARow(1),
        registry: await freePortsInARow(1),
        mongodb: await freePortsInARow(1),
      };
      const layout = { choice: ALL, ports, isReplicated: false };
      servers = await EmbeddedServers.of(layout, data, parts, { onEnded: print, onRecovered: print });
      await servers.start((name) => print(`${name} is ready`));
      signal.throwIfAborted();
      return new MigrationServers(servers, data, await servers.addresses(), ports.mongodb);
    } catch (error) {
      await servers?.stop(STOP_BUDGET_MS);
      data.close();
      throw error;
    }
  }

  /** Stops everything. @returns the names of processes that still run */
  async stop(): Promise<string[]> {
    process.off('exit', this.atExit);
    await this.servers.stop(STOP_BUDGET_MS);
    const left = this.data.records.running().map(({ name }) => name);
    this.data.close();
    return left;
  }
}
