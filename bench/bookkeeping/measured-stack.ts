import { join } from 'node:path';
import { MongoClient, type Db } from 'mongodb';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import { TemporaryStack } from '../../dev/supervisor/temporary-stack.js';
import { consumerHeap, PRODUCER_HEAP, QUERY_API_HEAP } from '../../dev/supervisor/app-definitions.js';
import { quietKafka } from '../../test/support/topic-writer.js';
import { HttpServer } from '../reads/http-server.js';
import { collectionBytes, topicBytes, type StoredBytes } from './stored-bytes.js';

const IN_FLIGHT_LIMIT = '6000';
const NEEDED_MIB = 6_000;
const CONNECTIONS = 64;
/** Far behind the end of a run. */
const NEVER_COMPACTED = String(10 ** 9);

/** Producer, consumer and query API on servers of their own, whose bytes are measured. */
export class MeasuredStack {
  private constructor(
    private readonly servers: TemporaryStack,
    private readonly client: MongoClient,
    private running: readonly HttpServer[],
    private currentProducer: HttpServer,
    readonly queryApi: HttpServer,
  ) {}

  /** Starts everything on empty data. Nothing is compacted until `compact`. */
  static async start(print: (line: string) => void, signal: AbortSignal): Promise<MeasuredStack> {
    const plan = { tool: 'orders-bookkeeping', neededMiB: NEEDED_MIB, flags: ['--servers-only'], print, signal };
    const servers = await TemporaryStack.start(plan);
    const { addresses } = servers;
    const consumer = await startApp('consumer', consumerHeap({ IN_FLIGHT_LIMIT }), {
      ...addresses,
      IN_FLIGHT_LIMIT,
      SAVE_DELAY_MS: '0..5',
      POISON_SHARE: '1',
    });
    const queryApi = await startApp('query-api', QUERY_API_HEAP, addresses);
    const producer = await startProducer(addresses, { COMPACTION_DELAY_SECONDS: NEVER_COMPACTED });
    const client = await MongoClient.connect(addresses.MONGODB_URI);
    return new MeasuredStack(servers, client, [producer, queryApi, consumer], producer, queryApi);
  }

  get producer(): HttpServer {
    return this.currentProducer;
  }

  get db(): Db {
    return this.client.db();
  }

  /** Starts the producer again, with compaction at once and without a retention. */
  async compact(): Promise<void> {
    const before = this.currentProducer;
    this.running = this.running.filter((app) => app !== before);
    await before.stop();
    const settings = { COMPACTION_DELAY_SECONDS: '1', SETTLED_RETENTION_DAYS: '0' };
    this.currentProducer = await startProducer(this.servers.addresses, settings);
    this.running = [this.currentProducer, ...this.running];
  }

  /** Returns the bytes of all collections and topics. */
  async bytes(): Promise<StoredBytes> {
    const topics = await topicBytes(join(this.servers.directory, 'kafka', 'records'), async (topic) =>
      this.keptShare(topic),
    );
    return new Map([
      ...(await collectionBytes(this.db)),
      ...[...topics].map(([name, bytes]) => [`topic ${name}`, bytes] as const),
    ]);
  }

  /** Stops everything and removes the data. */
  async stop(): Promise<void> {
    await this.client.close();
    for (const app of this.running) await app.stop();
    await this.servers.stop();
  }

  /** Returns the share of a topic's records that are not removed. */
  private async keptShare(topic: string): Promise<number> {
    const admin = quietKafka(this.servers.addresses.KAFKA_BROKERS).admin();
    await admin.connect();
    const offsets = await admin.fetchTopicOffsets(topic);
    await admin.disconnect();
    const written = offsets.reduce((sum, { high }) => sum + Number(high), 0);
    const kept = offsets.reduce((sum, { high, low }) => sum + Number(high) - Number(low), 0);
    return written === 0 ? 1 : kept / written;
  }
}

async function startProducer(addresses: NodeJS.ProcessEnv, settings: NodeJS.ProcessEnv): Promise<HttpServer> {
  return startApp('producer', PRODUCER_HEAP, { ...addresses, ...settings, RATE_LIMIT_PER_MINUTE: '100000000' });
}

async function startApp(name: string, heap: typeof PRODUCER_HEAP, env: NodeJS.ProcessEnv): Promise<HttpServer> {
  return HttpServer.start({
    script: join(PROJECT_DIRECTORY, 'dist', 'apps', name, 'src', 'main.js'),
    heap,
    env: { ...env, PORT: '0', LOG_LEVEL: 'warn', MALLOC_ARENA_MAX: '2' },
    connections: CONNECTIONS,
  });
}
