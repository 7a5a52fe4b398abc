import { freePort } from '../../dev/machine/ports.js';
import { provideParts } from '../../dev/parts/embedded-parts.js';
import { DataDirectory } from '../../dev/servers/data-directory.js';
import { mongodbUri, MongodbServer, singleMember } from '../../dev/servers/mongodb.js';
import { ServerGuard, Server } from '../../dev/servers/server.js';

const STOP_BUDGET_MS = 10_000;
const quiet = (): void => undefined;

/** A real MongoDB without other servers, which is started again whenever its process ends. */
export class StandaloneMongodb {
  private constructor(
    readonly uri: string,
    private readonly server: Server,
    private readonly data: DataDirectory,
    private readonly guard: ServerGuard,
  ) {}

  /** Resolves when it serves. @param directory its data are in the subfolder `mongodb` */
  static async start(directory: string): Promise<StandaloneMongodb> {
    const choice = { kafka: false, registry: false, mongodb: true };
    const parts = await provideParts(choice, quiet, new AbortController().signal);
    const data = await DataDirectory.open(directory, quiet);
    const guard = new ServerGuard(data.path);
    const port = await freePort();
    const program = new MongodbServer(parts, singleMember(port, data.path), data.path);
    const server = new Server(program, { records: data.records, guard }, { onEnded: quiet, onRecovered: quiet });
    const mongodb = new StandaloneMongodb(mongodbUri([port]), server, data, guard);
    try {
      await server.start();
    } catch (error) {
      await mongodb.stop();
      throw error;
    }
    return mongodb;
  }

  async stop(): Promise<void> {
    await this.server.stop(STOP_BUDGET_MS);
    this.guard.dismiss();
    this.data.close();
  }
}
