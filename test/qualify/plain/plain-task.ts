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
