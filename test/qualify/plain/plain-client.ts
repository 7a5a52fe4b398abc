export const CLIENTS = ['kafkajs', 'platformatic', 'confluent'] as const;
export type Client = (typeof CLIENTS)[number];

/** What a process of `main.ts` does. */
export interface PlainTask {
  readonly client: Client;
  readonly do: 'send' | 'consume';
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly groupId: string;
  /** Values to send. */
  readonly count: number;
  readonly handlerMs: number;
  /** Folder of the client's package, if it is not one of the project's. */
  readonly directory: string;
}

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

/** Counts the calls that succeeded. */
export async function countOf(calls: readonly Promise<unknown>[]): Promise<number> {
  return (await Promise.allSettled(calls)).filter(({ status }) => status === 'fulfilled').length;
}
