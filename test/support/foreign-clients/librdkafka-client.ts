import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import { toRecordBytes } from '../member/record-bytes.js';
import type { Codec, ForeignRecord } from './foreign-record.js';
import { provideLibrdkafka } from './librdkafka-package.js';

const SCRIPT = join(PROJECT_DIRECTORY, 'test/support/foreign-clients/librdkafka.py');

type Answer = { readonly offsets: readonly number[] } | { readonly error: string };

/**
 * Producers of librdkafka in a Python process (`librdkafka.py`). Requests are answered in their order; every method resolves
 * when the broker has acknowledged, and @throws Error with librdkafka's message when it has not.
 */
export class LibrdkafkaClient {
  private readonly answers: AsyncIterator<string>;
  private last: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly child: ChildProcessByStdio<Writable, Readable, null>,
    private readonly lines: Interface,
  ) {
    this.answers = lines[Symbol.asyncIterator]();
  }

  /** @param brokers `host:port`, separated by commas */
  static async start(brokers: string): Promise<LibrdkafkaClient> {
    const env = { ...process.env, PYTHONPATH: await provideLibrdkafka() };
    const child = spawn('python3', [SCRIPT, brokers], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    return new LibrdkafkaClient(child, createInterface({ input: child.stdout }));
  }

  /** Writes one batch for each partition with an idempotent producer of its own. @returns the offset of each record */
  async produce(topic: string, codec: Codec, records: readonly ForeignRecord[]): Promise<readonly number[]> {
    return this.request({ do: 'produce', topic, codec, records: records.map(toJson) });
  }

  /** Begins a transaction. @param producer its transactional id; several may have a transaction open at once */
  async begin(producer: string): Promise<void> {
    await this.request({ do: 'begin', producer });
  }

  /** Writes records in the open transaction of that producer. @returns the offset of each */
  async send(producer: string, topic: string, records: readonly ForeignRecord[]): Promise<readonly number[]> {
    return this.request({ do: 'send', producer, topic, records: records.map(toJson) });
  }

  async commit(producer: string): Promise<void> {
    await this.request({ do: 'commit', producer });
  }

  async abort(producer: string): Promise<void> {
    await this.request({ do: 'abort', producer });
  }

  /** Ends the process, whatever it does. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
    this.lines.close();
  }

  private async request(request: object): Promise<readonly number[]> {
    const answered = this.last.then(() => this.exchange(request));
    this.last = answered.catch(() => undefined);
    return answered;
  }

  private async exchange(request: object): Promise<readonly number[]> {
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await this.answers.next();
    if (line.done === true) throw new Error('librdkafka.py ended without an answer');
    const answer = JSON.parse(line.value) as Answer;
    if ('error' in answer) throw new Error(`librdkafka: ${answer.error}`);
    return answer.offsets;
  }
}

/** Headers as pairs: Python's client takes a list, since names may repeat. */
function toJson(record: ForeignRecord): object {
  const { key, value, headers } = toRecordBytes(record);
  return { partition: record.partition, key, value, headers: Object.entries(headers) };
}
