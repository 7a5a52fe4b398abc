import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { PlainTask, Client } from './plain-client.js';
import { setTimeout as delay } from 'node:timers/promises';
import { createTopics } from '#service/kafka/prepare-topics.js';
import { eventually } from '../../support/eventually.js';
import { numberedRecords, writeAll } from '../../support/member/test-group.js';
import { StandaloneKafka } from '../../support/own-servers.js';
import { recordsOn } from '../../support/topic-writer.js';

const PROGRAM = path.join(import.meta.dirname, 'main.js');

/** A process of `main.ts`. */
class PlainProcess {
  private readonly child: ChildProcessByStdio<null, Readable, Readable>;
  private errors = '';
  private readonly closed: Promise<unknown>;

  /** @param node the program `node` that runs it */
  constructor(node: string, task: PlainTask, onLine: (line: string) => void) {
    const args = ['--disable-warning=TimeoutNegativeWarning', PROGRAM, JSON.stringify(task)];
    this.child = spawn(node, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => (this.errors += text));
    createInterface({ input: this.child.stdout }).on('line', onLine);
    this.closed = once(this.child, 'close');
  }

  /** Resolves when it has ended by itself. @throws Error if it failed */
  async ended(): Promise<void> {
    await this.closed;
    if (this.failure !== undefined) throw new Error(this.failure);
  }

  /** Why it ended by itself; `undefined`: it runs, or it was ended. */
  get failure(): string | undefined {
    const { exitCode } = this.child;
    if (exitCode === null || exitCode === 0) return undefined;
    const [message = `exit code ${exitCode}`] = /^\w*Error.*$/m.exec(this.errors) ?? [];
    return `its process ended: ${message}`;
  }

  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  /** Lets it leave its group. */
  async stop(): Promise<void> {
    await this.end('SIGTERM');
  }

  private async end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    if (this.child.exitCode === null && this.child.signalCode === null) this.child.kill(signal);
    await this.closed;
  }
}

/** A client, and how its processes are started. */
interface ClientUnderTest {
  readonly client: Client;
  readonly node: string;
  readonly directory: string;
}

/** How a case ended. */
export interface CaseResult {
  readonly name: string;
  /** No record was lost. */
  readonly holds: boolean;
  readonly text: string;
}

/** Members of a group that consume a topic, and the broker. */
interface World {
  readonly kafka: StandaloneKafka;
  /** Starts another member. */
  readonly join: () => PlainProcess;
  /** Resolves when a share of the records is handled. */
  readonly handled: (share: number) => Promise<void>;
}

interface ConsumerCase {
  readonly name: string;
  readonly records?: number;
  readonly partitions?: number;
  readonly handlerMs?: number;
  /** What happens while one member consumes. */
  readonly disturb?: (world: World) => Promise<void>;
}

const SENDS = 200;
const OUTAGE_MS = 10_000;
const TURN_MS = 5_000;
/** All are handled, or nothing more was handled for so long: longer than a member that died stays in its group, six times. */
const SILENT_MS = 60_000;

const CASES: readonly ConsumerCase[] = [
  // Its batches take nearly as long as `TIMES.pollIntervalMs`.
  { name: 'a handler that is slow, but within its time', records: 200, partitions: 1, handlerMs: 300 },
  {
    name: 'a member is killed',
    disturb: async ({ join, handled }) => {
      const killed = join();
      await handled(1 / 3);
      await killed.kill();
    },
  },
  {
    name: 'a second member joins and leaves three times',
    disturb: async ({ join, handled }) => {
      await handled(1 / 10);
      for (let turn = 0; turn < 3; turn += 1) {
        const other = join();
        await delay(TURN_MS);
        await other.stop();
      }
    },
  },
  {
    name: 'the broker is away for ten seconds',
    disturb: async ({ kafka, handled }) => {
      await handled(1 / 4);
      await kafka.node(1).kill();
      await delay(OUTAGE_MS);
      await kafka.node(1).start();
    },
  },
];

/** Runs what is hard for consumers and producers against a client library by itself, on a real Kafka. */
export class PlainCases {
  private readonly running: PlainProcess[] = [];

  private constructor(
    private readonly kafka: StandaloneKafka,
    private readonly tested: ClientUnderTest,
  ) {}

  static async run(tested: ClientUnderTest, onResult: (result: CaseResult) => void): Promise<void> {
    const kafka = await StandaloneKafka.start(1);
    const cases = new PlainCases(kafka, tested);
    try {
      onResult(await cases.ended(async () => cases.sends()));
      for (const each of CASES) onResult(await cases.ended(async () => cases.consumes(each)));
    } finally {
      await kafka.stop();
    }
  }

  /** Runs a case, ends its processes, and adds why some of them ended by themselves. */
  private async ended(run: () => Promise<CaseResult>): Promise<CaseResult> {
    try {
      const { text, ...result } = await run();
      const failures = this.running.flatMap(({ failure }) => failure ?? []);
      return { ...result, text: [text, ...failures].join('; ') };
    } finally {
      await Promise.all(this.running.splice(0).map(async (each) => each.kill()));
    }
  }

  private async sends(): Promise<CaseResult> {
    const topic = await this.newTopic(1);
    let succeeded = 0;
    const sender = this.start({ do: 'send', topic, count: SENDS }, (line) => (succeeded = Number(line)));
    await sender.ended();
    const found = await recordsOn(this.kafka.kafka, topic);
    const text = `${SENDS} calls: ${succeeded} succeeded, ${found} records in the topic`;
    return { name: 'sends of one idempotent producer at the same time', holds: found >= succeeded, text };
  }

  private async consumes(tested: ConsumerCase): Promise<CaseResult> {
    const { name, records: count = 4_000, partitions = 4, handlerMs = 5, disturb } = tested;
    const topic = await this.newTopic(partitions);
    const records = numberedRecords(count, count, partitions);
    await writeAll(this.kafka.kafka, topic, records);
    /** How many times each value was handled. */
    const handled = new Map<string, number>();
    let lastAt = performance.now();
    const join = (): PlainProcess =>
      this.start({ do: 'consume', topic, handlerMs }, (value) => {
        handled.set(value, (handled.get(value) ?? 0) + 1);
        lastAt = performance.now();
      });
    join();
    await disturb?.({
      kafka: this.kafka,
      join,
      handled: async (share) => eventually(`${share} are handled`, () => handled.size >= count * share),
    });
    lastAt = performance.now();
    const isSilent = (): boolean => performance.now() - lastAt > SILENT_MS;
    await eventually('all values are handled, or no more are', () => handled.size === count || isSilent());
    const lost = records.filter(({ value }) => !handled.has(String(value))).length;
    const repeated = [...handled.values()].reduce((sum, times) => sum + times - 1, 0);
    const text = `${count} records: ${lost} not handled, ${repeated} handled again`;
    return { name, holds: lost === 0, text };
  }

  private start(
    task: Partial<PlainTask> & Pick<PlainTask, 'do' | 'topic'>,
    onLine: (line: string) => void,
  ): PlainProcess {
    const { client, node, directory } = this.tested;
    const brokers = this.kafka.brokers.split(',');
    const groupId = `${task.topic}-group`;
    const started = new PlainProcess(
      node,
      { client, directory, brokers, groupId, count: 0, handlerMs: 0, ...task },
      onLine,
    );
    this.running.push(started);
    return started;
  }

  private async newTopic(numPartitions: number): Promise<string> {
    const topic = crypto.randomUUID();
    const admin = this.kafka.kafka.admin();
    await admin.connect();
    await createTopics(admin, [{ topic, numPartitions, replicationFactor: 1 }]);
    await admin.disconnect();
    return topic;
  }
}
