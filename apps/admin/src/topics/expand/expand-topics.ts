import { pause, type Clock } from '@orders-pipeline/clock';
import {
  recordsBetween,
  type TopicPositions,
  DEAD_LETTER_TOPIC,
  ORDERS_CONSUMER_GROUP,
  ORDERS_TOPIC,
} from '#orders/topics/topics.js';
import type { Expansion } from '#orders/topics/topic-partitions.js';
import { describeOpen, describeSilent, openProducers, silentProducers } from './closing.js';
import { ExpansionChangedError, type ExpansionRecord } from './expansion-record.js';

const POLL_INTERVAL_MS = 500;

/** Thrown when an expansion is not possible, or was aborted; the pipeline runs as before. */
export class ExpansionRefusedError extends Error {
  override readonly name = 'ExpansionRefusedError';

  /** @param code stable */
  constructor(
    readonly code:
      | 'wrong-count'
      | 'another-expansion'
      | 'too-late'
      | 'silent-producer'
      | 'not-closed'
      | 'not-committed',
    message: string,
  ) {
    super(message);
  }
}

/** The topics in Kafka, as far as an expansion needs them. */
export interface ExpandedTopics {
  /** Returns the partitions of a topic. */
  partitionsOf(topic: string): Promise<number>;
  /** Adds partitions until the topic has this many; does nothing if it has. */
  grow(topic: string, partitions: number): Promise<void>;
  /** Whether every broker knows that the topic has this many, each with a leader. */
  isKnown(topic: string, partitions: number): Promise<boolean>;
}

export interface ExpansionParts {
  readonly record: ExpansionRecord;
  readonly topics: ExpandedTopics;
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

  /** @throws ExpansionRefusedError if it was aborted; any other error leaves the producers closed until it is run again */
  async run(to: number): Promise<void> {
    const { record, topics, print } = this.parts;
    const from = await topics.partitionsOf(ORDERS_TOPIC);
    await record.removeEnded();
    const running = (await record.read())?.expansion ?? null;
    if (running === null && from === to) return print(`Topic ${ORDERS_TOPIC} has ${to} partitions.`);
    if (running === null) await this.requireExpandable(from, to);
    const expansion = running ?? (await record.begin(from, to));
    if (expansion.to !== to)
      throw new ExpansionRefusedError(
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

  /** Lets the producers send under the old count. @returns whether an expansion was running. @throws ExpansionRefusedError if it is too late */
  async abort(): Promise<boolean> {
    const expansion = (await this.parts.record.read())?.expansion ?? null;
    if (expansion === null) return false;
    if (expansion.phase === 'growing')
      throw new ExpansionRefusedError(
        'too-late',
        `The topics get more partitions already: complete the expansion with --partitions ${expansion.to}.`,
      );
    await this.parts.record.abort(expansion);
    return true;
  }

  /** Before anything stops. */
  private async requireExpandable(from: number, to: number): Promise<void> {
    if (to < from)
      throw new ExpansionRefusedError(
        'wrong-count',
        `--partitions must be above ${from}, the partitions of topic ${ORDERS_TOPIC}, got ${to}: Kafka removes none.`,
      );
    const now = this.parts.now();
    const silent = silentProducers((await this.parts.record.read())?.producers ?? [], now);
    if (silent.length > 0) throw new ExpansionRefusedError('silent-producer', describeSilent(silent, now));
  }

  /** Waits until nothing is on its way. If that takes too long, the producers send again. */
  private async close(expansion: Expansion): Promise<void> {
    const { record, positions, print } = this.parts;
    await this.until(expansion, 'not-closed', async () => {
      const open = openProducers((await record.read())?.producers ?? [], expansion.id);
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
      if ((await record.read())?.expansion?.id !== expansion.id) throw new ExpansionChangedError();
      const line = await left();
      if (line === undefined) return;
      if (signal.aborted || clock.now() >= deadline) {
        await record.abort(expansion);
        throw new ExpansionRefusedError(
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
