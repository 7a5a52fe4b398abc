import type { Producer } from 'kafkajs';

/** What a client library is asked to do by itself, as its own guide shows it. */
export interface PlainClient {
  /** Sends each value by a call of its own, all at once, over one idempotent producer. @returns how many calls succeeded */
  sendAtOnce(topic: string, values: readonly string[]): Promise<number>;
  /**
   * Consumes a topic from its beginning, in a group: an offset is committed after the value was handled.
   * @returns a function that leaves the group
   */
  consume(work: PlainWork): Promise<() => Promise<void>>;
}

export interface PlainWork {
  readonly topic: string;
  readonly groupId: string;
  readonly handle: (value: string) => Promise<void>;
}

/** The same for all clients. A handler may take as long as `pollIntervalMs` before a member counts as stuck, where the client limits that. */
export const TIMES = { sessionMs: 10_000, heartbeatMs: 1_000, pollIntervalMs: 10_000, commitMs: 1_000 } as const;

/** Sends over a producer with the API of kafkajs. */
export async function sendOver(producer: Producer, topic: string, values: readonly string[]): Promise<number> {
  await producer.connect();
  const sent = await countOf(values.map(async (value) => producer.send({ topic, messages: [{ value }] })));
  await producer.disconnect();
  return sent;
}

/** Counts the calls that succeeded. */
export async function countOf(calls: readonly Promise<unknown>[]): Promise<number> {
  return (await Promise.allSettled(calls)).filter(({ status }) => status === 'fulfilled').length;
}
