import { isDuplicateKey } from '#service/mongodb/mongo-errors.js';
import { randomUUID } from 'node:crypto';
import type { Command } from 'commander';
import type { Admin } from 'kafkajs';
import type { Db } from 'mongodb';
import { pause, systemClock, type Clock } from '@orders-pipeline/clock';
import { connectKafka, type KafkaOptions } from '@orders-pipeline/parallel-consumer/kafkajs';
import {
  recordsBetween,
  type TopicPositions,
  DEAD_LETTER_TOPIC,
  ORDERS_CONSUMER_GROUP,
  ORDERS_TOPIC,
} from '#orders/topics/topics.js';
import {
  endedProducers,
  SILENT_AFTER_MS,
  topicPartitionsCollection,
  type Expansion,
  type RegisteredProducer,
  type TopicPartitions,
} from '#orders/topics/topic-partitions.js';
import { withServers } from '../connections.js';
import {
  AdminError,
  EXIT_CODE,
  integerUpTo,
  interruption,
  type AdminEnvironment,
  type ExitCode,
  type Run,
} from '../environment.js';
import { readSettings } from '../settings.js';

const DEFAULT_WAIT_SECONDS = 120;
const POLL_INTERVAL_MS = 500;

interface ExpandOptions {
  readonly partitions?: number;
  readonly abort?: true;
  readonly wait: number;
  readonly gone?: readonly string[];
}

/** Adds `expand` to the commands of the topics. */
export function addExpandCommand(topics: Command, run: Run): void {
  topics
    .command('expand')
    .description('add partitions while everything runs, without breaking the order of any account')
    .option('--partitions <n>', 'how many partitions the topics shall have', integerUpTo(99_999))
    .option(
      '--wait <seconds>',
      'how long sending may stop before anything grows',
      integerUpTo(99_999),
      DEFAULT_WAIT_SECONDS,
    )
    .option('--gone <id...>', 'silent producers that have ended')
    .option('--abort', 'let the producers send again, if nothing has grown')
    .action(run(expand));
}

async function expand(
  { env, print }: AdminEnvironment,
  { partitions, abort, wait, gone = [] }: ExpandOptions,
  command: Command,
): Promise<ExitCode> {
  if ((partitions === undefined) === (abort === undefined)) command.error('error: give either --partitions or --abort');
  return withServers(readSettings(env), async ({ mongo, admin, positions, kafka }) => {
    const now = (): Date => mongo.time.now();
    const record = new ExpansionRecord(mongo.db, now);
    const topics = new KafkaTopics(admin, kafka);
    // Once: a second signal ends the process, and the producers stay closed.
    const signal = interruption();
    const waitMs = wait * 1_000;
    const expansion = new ExpandTopics({ record, topics, positions, now, clock: systemClock, signal, waitMs, print });
    for (const id of await record.declareEnded(gone)) print(`Producer ${id} counts as ended.`);
    if (partitions !== undefined) await expansion.run(partitions);
    else print((await expansion.abort()) ? 'Aborted: the producers send again as before.' : 'No expansion runs.');
    return EXIT_CODE.ok;
  });
}

export interface ExpansionParts {
  readonly record: ExpansionRecord;
  readonly topics: Pick<KafkaTopics, 'partitionsOf' | 'grow' | 'isKnown'>;
  readonly positions: TopicPositions;
  /** MongoDB's time. */
  readonly now: () => Date;
  readonly clock: Clock;
  /** Aborts an expansion that has not begun to grow. */
  readonly signal: AbortSignal;
  /** How long the producers may take to close, and the consumers to commit, in ms. */
  readonly waitMs: number;
  /** Gets a line for each step. */
  readonly print: (line: string) => void;
}

/**
 * Adds partitions to the topics without breaking the order of any account: nothing is sent, or uncommitted, while the count changes.
 * Safe to run again after an interruption at any step; several runs at once do no harm.
 */
export class ExpandTopics {
  constructor(private readonly parts: ExpansionParts) {}

  /** @throws AdminError if it is not possible, or was aborted, and the pipeline runs as before; any other error leaves the producers closed until it is run again */
  async run(to: number): Promise<void> {
    const { record, topics, print } = this.parts;
    const from = await topics.partitionsOf(ORDERS_TOPIC);
    await record.removeEnded();
    const running = (await record.read())?.expansion ?? null;
    if (running === null && from === to) return print(`Topic ${ORDERS_TOPIC} has ${to} partitions.`);
    if (running === null) await this.requireExpandable(from, to);
    const expansion = running ?? (await record.begin(from, to));
    if (expansion.to !== to)
      throw new AdminError(
        'another-expansion',
        `An expansion to ${expansion.to} partitions runs: complete it with --partitions ${expansion.to}, or abort it with --abort.`,
      );
    if (expansion.phase === 'closing') await this.close(expansion);
    await this.grow(expansion);
    await record.complete(expansion);
    print(
      `Topic ${ORDERS_TOPIC} has ${to} partitions, and the producers send again. Where TOPIC_PARTITIONS is set, set it to ${to}.`,
    );
  }

  /** Lets the producers send under the old count. @returns whether an expansion was running. @throws AdminError `too-late` */
  async abort(): Promise<boolean> {
    const expansion = (await this.parts.record.read())?.expansion ?? null;
    if (expansion === null) return false;
    if (expansion.phase === 'growing')
      throw new AdminError(
        'too-late',
        `The topics get more partitions already: complete the expansion with --partitions ${expansion.to}.`,
      );
    await this.parts.record.abort(expansion);
    return true;
  }

  /** Before anything stops. */
  private async requireExpandable(from: number, to: number): Promise<void> {
    if (to < from)
      throw new AdminError(
        'wrong-count',
        `--partitions must be above ${from}, the partitions of topic ${ORDERS_TOPIC}, got ${to}: Kafka removes none.`,
      );
    const now = this.parts.now();
    const silent = silentProducers((await this.parts.record.read())?.producers ?? [], now);
    if (silent.length > 0) throw new AdminError('silent-producer', describeSilent(silent, now));
  }

  /** Waits until nothing is on its way. If that takes too long, the producers send again. */
  private async close(expansion: Expansion): Promise<void> {
    const { record, positions, print } = this.parts;
    await this.until(expansion, 'not-closed', async () => {
      const producers = (await record.read())?.producers ?? [];
      const open = producers.filter(({ closedFor }) => closedFor !== expansion.id);
      if (open.length === 0) return undefined;
      const silent = silentProducers(open, this.parts.now());
      return silent.length > 0 ? describeSilent(silent, this.parts.now()) : describeOpen(open);
    });
    print('All producers have closed.');
    const ends = await positions.ends(ORDERS_TOPIC);
    await this.until(expansion, 'not-committed', async () => {
      const left = recordsBetween(await positions.committed(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC), ends);
      return left === 0 ? undefined : `waiting for the consumers: ${left} records are not committed`;
    });
    print('The consumers have committed every record.');
    await record.beginGrowing(expansion, byPartition(ends));
  }

  private async grow({ to }: Expansion): Promise<void> {
    const { topics, clock, print } = this.parts;
    // First, since a dead letter keeps its partition number.
    for (const topic of [DEAD_LETTER_TOPIC, ORDERS_TOPIC]) {
      await topics.grow(topic, to);
      print(`Topic ${topic} has at least ${to} partitions.`);
    }
    for (const topic of [DEAD_LETTER_TOPIC, ORDERS_TOPIC])
      while (!(await topics.isKnown(topic, to))) await pause(clock, POLL_INTERVAL_MS);
    print('All brokers know the partitions.');
  }

  /** Polls until nothing is left to wait for, and aborts the expansion if that takes too long. @param left says what it waits for */
  private async until(
    expansion: Expansion,
    code: 'not-closed' | 'not-committed',
    left: () => Promise<string | undefined>,
  ): Promise<void> {
    const { clock, waitMs, print, record, signal } = this.parts;
    const deadline = clock.now() + waitMs;
    let printed = '';
    for (;;) {
      if ((await record.read())?.expansion?.id !== expansion.id) throw expansionChanged();
      const line = await left();
      if (line === undefined) return;
      if (signal.aborted || clock.now() >= deadline) {
        await record.abort(expansion);
        throw new AdminError(
          code,
          `Aborted ${signal.aborted ? 'by a signal' : `after ${waitMs / 1_000} s`}, and the producers send again as before: ${line}`,
        );
      }
      if (line !== printed) print(line);
      printed = line;
      await pause(clock, POLL_INTERVAL_MS);
    }
  }
}

function byPartition(ends: ReadonlyMap<number, number>): number[] {
  return Array.from({ length: ends.size }, (_, partition) => ends.get(partition) ?? 0);
}

/** Returns the producers that have given no sign of life for ten seconds. @param now by MongoDB's clock */
function silentProducers(producers: readonly RegisteredProducer[], now: Date): readonly RegisteredProducer[] {
  return producers.filter(({ at }) => now.getTime() - at.getTime() > SILENT_AFTER_MS);
}

/** Says which producers are silent, and what to do. */
function describeSilent(producers: readonly RegisteredProducer[], now: Date): string {
  const each = producers.map(
    ({ host, pid, id, at }) =>
      `producer ${id} (${host}, process ${pid}) for ${Math.round((now.getTime() - at.getTime()) / 1_000)} s`,
  );
  const gone = producers.map(({ id }) => `--gone ${id}`).join(' ');
  return (
    `Silent: ${each.join(', ')}. A process that hangs may send later, and break the order of accounts: make sure that it has ended, ` +
    `and add ${gone}.`
  );
}

/** Says which producers have not closed. */
function describeOpen(producers: readonly RegisteredProducer[]): string {
  const each = producers.map(({ host, pid, id }) => `producer ${id} (${host}, process ${pid})`);
  return `waiting for the last acknowledgement of ${each.join(', ')}`;
}

const AT_REST = { producers: [], expansion: null, earlier: [] };

/** Creates the error for a stored expansion that is not in the state that a step needs: another command has changed it. */
export function expansionChanged(): AdminError {
  return new AdminError(
    'expansion-changed',
    'Another command has completed or aborted this expansion. Run topics expand again to see what is left.',
  );
}

/** The stored state of an expansion. Each step is one compare-and-set, so that commands that run at once do no harm. */
export class ExpansionRecord {
  /** @param now returns the time by MongoDB's clock */
  constructor(
    private readonly db: Db,
    private readonly now: () => Date,
  ) {}

  /** Returns the state; `undefined` if no producer has ever started. */
  async read(): Promise<TopicPartitions | undefined> {
    return (await this.collection.findOne({ _id: ORDERS_TOPIC })) ?? undefined;
  }

  /** Requests all producers to close, unless an expansion runs. @returns the expansion that runs now */
  async begin(from: number, to: number): Promise<Expansion> {
    const expansion: Expansion = { id: randomUUID(), from, to, phase: 'closing', startedAt: this.now() };
    const { expansion: _, ...rest } = AT_REST;
    try {
      await this.collection.updateOne(
        { _id: ORDERS_TOPIC, expansion: null },
        { $set: { expansion }, $setOnInsert: rest },
        { upsert: true },
      );
    } catch (error) {
      // One that runs already.
      if (!isDuplicateKey(error)) throw error;
    }
    const running = (await this.read())?.expansion;
    if (running === null || running === undefined) throw expansionChanged();
    return running;
  }

  /** Takes note that nothing is on its way. @param ends the end offset of each partition. @throws AdminError `expansion-changed` */
  async beginGrowing({ id, from }: Expansion, ends: readonly number[]): Promise<void> {
    await this.change(
      { 'expansion.id': id, 'expansion.phase': 'closing' },
      {
        $set: { 'expansion.phase': 'growing' },
        $push: { earlier: { partitions: from, ends: [...ends], until: this.now() } },
      },
    );
  }

  /** Lets the producers send under the new count. @throws AdminError `expansion-changed` */
  async complete({ id }: Expansion): Promise<void> {
    await this.change({ 'expansion.id': id, 'expansion.phase': 'growing' }, { $set: { expansion: null } });
  }

  /** Lets the producers send under the old count. @throws AdminError `expansion-changed` if it is too late */
  async abort({ id }: Expansion): Promise<void> {
    await this.change({ 'expansion.id': id, 'expansion.phase': 'closing' }, { $set: { expansion: null } });
  }

  /** Removes producers that have ended without leaving. @returns the ids that were in the list */
  async declareEnded(ids: readonly string[]): Promise<readonly string[]> {
    const before = await this.collection.findOneAndUpdate(
      { _id: ORDERS_TOPIC },
      { $pull: { producers: { id: { $in: [...ids] } } } },
    );
    return before?.producers.map(({ id }) => id).filter((id) => ids.includes(id)) ?? [];
  }

  /** Removes producers that were silent for a day: they count as ended. */
  async removeEnded(): Promise<void> {
    await this.collection.updateOne({ _id: ORDERS_TOPIC }, { $pull: { producers: endedProducers(this.now()) } });
  }

  private async change(filter: object, update: object): Promise<void> {
    const { matchedCount } = await this.collection.updateOne({ _id: ORDERS_TOPIC, ...filter }, update);
    if (matchedCount === 0) throw expansionChanged();
  }

  private get collection() {
    return topicPartitionsCollection(this.db);
  }
}

/** The topics of a Kafka. */
class KafkaTopics {
  constructor(
    private readonly admin: Admin,
    private readonly options: KafkaOptions,
  ) {}

  /** Returns how many partitions a topic has. */
  async partitionsOf(topic: string): Promise<number> {
    return (await leadersOf(this.admin, topic)).length;
  }

  /** Adds partitions until the topic has this many; does nothing if it has. */
  async grow(topic: string, partitions: number): Promise<void> {
    if ((await this.partitionsOf(topic)) >= partitions) return;
    try {
      await this.admin.createPartitions({ topicPartitions: [{ topic, count: partitions }] });
    } catch (error) {
      // The controller has them: the broker that was asked does not know yet what another run has added.
      if (!isOfType(error, 'INVALID_PARTITIONS')) throw error;
    }
  }

  /** Whether every broker knows that the topic has this many, each with a leader. */
  async isKnown(topic: string, partitions: number): Promise<boolean> {
    const { brokers } = await this.admin.describeCluster();
    const known = await Promise.all(
      brokers.map(async ({ host, port }) => this.isKnownAt(`${host}:${port}`, topic, partitions)),
    );
    return known.every(Boolean);
  }

  /** Asks one broker: a client of its own has no connection to another one yet. */
  private async isKnownAt(broker: string, topic: string, partitions: number): Promise<boolean> {
    const admin = connectKafka({ ...this.options, brokers: [broker] }).admin();
    try {
      await admin.connect();
      const leaders = await leadersOf(admin, topic);
      return leaders.length >= partitions && leaders.every((leader) => leader >= 0);
    } finally {
      await admin.disconnect();
    }
  }
}

async function leadersOf(admin: Admin, topic: string): Promise<number[]> {
  const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
  return topics[0]?.partitions.map(({ leader }) => leader) ?? [];
}

function isOfType(error: unknown, type: string): boolean {
  return error instanceof Error && 'type' in error && error.type === type;
}
