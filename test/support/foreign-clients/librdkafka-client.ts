import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import { toRecordBytes } from '../member/effects.js';
import { CONFLUENT_KAFKA, providePythonPackages } from '../fetched-programs.js';

/** The codecs of Kafka's record batches, by the names that all clients use. */
export const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
export type Codec = (typeof CODECS)[number];

/** A record for a foreign client to write, as raw bytes. */
export interface ForeignRecord {
  readonly partition: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | null>>;
}

/** A record in the line format of `kafka-console-producer`: text without tabs, commas, colons and line ends. */
export interface TextRecord {
  readonly key: string;
  readonly value: string;
  readonly headers: Readonly<Record<string, string>>;
}

const KEYS = 20;
/** Long and repetitive, so that every codec shrinks a batch: otherwise a client sends it uncompressed. */
const PADDING = ' and its padding'.repeat(10);

/**
 * Returns records of 20 keys on some partitions, from `firstPartition` on. The last ones of each partition are unusual: null, empty and
 * binary fields.
 */
export function sampleRecords(count: number, partitions: number, firstPartition = 0): ForeignRecord[] {
  const ordinary = Array.from({ length: count }, (_, n) => ({
    partition: firstPartition + ((n % KEYS) % partitions),
    key: Buffer.from(`key-${n % KEYS}`),
    value: Buffer.from(`value ${n}${PADDING}`),
    headers: { number: Buffer.from(String(n)), 'content-type': Buffer.from('text/plain') },
  }));
  const unusual = Array.from({ length: partitions }, (_, n) => unusualRecords(firstPartition + n));
  return [...ordinary, ...unusual.flat()];
}

function unusualRecords(partition: number): ForeignRecord[] {
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  return [
    { partition, key: null, value: Buffer.from('without key'), headers: {} },
    { partition, key: Buffer.from('tombstone'), value: null, headers: {} },
    { partition, key: Buffer.alloc(0), value: Buffer.alloc(0), headers: { empty: Buffer.alloc(0) } },
    { partition, key: Buffer.alloc(4), value: everyByte, headers: { binary: everyByte, 'größe €': null } },
  ];
}

/** Returns the ordinary records as text without a partition, for `kafka-console-producer`. */
export function sampleTexts(count: number): TextRecord[] {
  return Array.from({ length: count }, (_, n) => ({
    key: `key-${n % KEYS}`,
    value: `value ${n}${PADDING}`,
    headers: { number: String(n), kind: 'text' },
  }));
}

const SCRIPT = join(PROJECT_DIRECTORY, 'test/support/foreign-clients/librdkafka.py');

type Response = { readonly offsets: readonly number[] } | { readonly error: string };

/**
 * Producers of librdkafka in a Python process (`librdkafka.py`), which handles requests in order. Every method resolves when the
 * broker has acknowledged, and @throws Error with librdkafka's message otherwise.
 */
export class LibrdkafkaClient {
  private readonly responses: AsyncIterator<string>;
  private last: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly child: ChildProcessByStdio<Writable, Readable, null>,
    private readonly lines: Interface,
  ) {
    this.responses = lines[Symbol.asyncIterator]();
  }

  /** @param brokers `host:port`, separated by commas */
  static async start(brokers: string): Promise<LibrdkafkaClient> {
    const env = { ...process.env, PYTHONPATH: await providePythonPackages(CONFLUENT_KAFKA) };
    const child = spawn('python3', [SCRIPT, brokers], { env, stdio: ['pipe', 'pipe', 'inherit'] });
    return new LibrdkafkaClient(child, createInterface({ input: child.stdout }));
  }

  /** Writes one batch per partition with a new idempotent producer. @returns the offset of each record */
  async produce(topic: string, codec: Codec, records: readonly ForeignRecord[]): Promise<readonly number[]> {
    return this.request({ do: 'produce', topic, codec, records: records.map(toJson) });
  }

  /** Begins a transaction. @param producer its transactional id; several producers may have an open transaction */
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

  /** Kills the process. */
  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await ended;
    this.lines.close();
  }

  private async request(request: object): Promise<readonly number[]> {
    const response = this.last.then(() => this.exchange(request));
    this.last = response.catch(() => undefined);
    return response;
  }

  private async exchange(request: object): Promise<readonly number[]> {
    this.child.stdin.write(`${JSON.stringify(request)}\n`);
    const line = await this.responses.next();
    if (line.done === true) throw new Error('librdkafka.py ended without a response');
    const response = JSON.parse(line.value) as Response;
    if ('error' in response) throw new Error(`librdkafka: ${response.error}`);
    return response.offsets;
  }
}

/** Converts a record for Python's client, which takes headers as a list of pairs, since names may repeat. */
function toJson(record: ForeignRecord): object {
  const { key, value, headers } = toRecordBytes(record);
  return { partition: record.partition, key, value, headers: Object.entries(headers) };
}
