import type { CodeBlock } from './readme.js';

/** Completes an excerpt of a page to a program that ends by itself. */
export interface Program {
  /** What the page's text or its first example has before the excerpt. */
  readonly before: string;
  readonly after: string;
  /** What the program prints. */
  readonly prints: RegExp;
  /** A consumer group in place of the page's: all programs run at once. */
  readonly group?: string;
}

/** The block is an example of its own, which `examples.spec` runs. */
export interface Example {
  readonly example: 'plain-node' | 'nestjs';
}

export const LOGGER = `
const log = (details: object, message: string) => console.log(message, JSON.stringify(details));
const logger = { info: log, warn: log, error: log };
`;

export const CONNECTED = `
import { setTimeout as sleep } from 'node:timers/promises';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
${LOGGER}
const kafka = connectKafka({ brokers: String(process.env['KAFKA_BROKERS']).split(','), clientId: 'readme', logger });
`;

/** A consumer group of its own, which begins at the first record of the topic. */
export const consumer = (groupId: string): string => `
import { ParallelConsumer } from '@orders-pipeline/parallel-consumer';
import { KafkajsBroker } from '@orders-pipeline/parallel-consumer/kafkajs';
${CONNECTED}
const broker = new KafkajsBroker({ kafka, topic: 'payments.v1', groupId: '${groupId}', logger });
const options = { deadLetterTopic: 'payments.v1.dead-letter', logger, handler: async () => undefined };
`;

export const finishSome = (name: string): string => `
while (${name}.status.finished === 0) await sleep(100);
await ${name}.stop();
`;

/** Returns the whole program of an excerpt. */
export function toProgram({ code }: CodeBlock, { before, after, group }: Program): string {
  const grouped = group === undefined ? code : code.replace(/groupId: '[^']*'/, `groupId: '${group}'`);
  return `${before}\n${grouped}\n${after}`;
}
