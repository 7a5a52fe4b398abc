import { MongoClient } from 'mongodb';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import type { TestedStack } from './tested-stack.js';

/** Returns the id of the stack's Kafka, which identifies its data. */
export async function clusterIdOf(stack: TestedStack): Promise<string> {
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const admin = connectKafka({ brokers: [stack.brokers], clientId: 'stack-spec', logger: silent }).admin();
  await admin.connect();
  try {
    return (await admin.describeCluster()).clusterId;
  } finally {
    await admin.disconnect();
  }
}

/** Stores a mark in the stack's database. */
export async function leaveMark(stack: TestedStack): Promise<void> {
  await withMarks(stack, (marks) => marks.insertOne({ left: true }, { writeConcern: { w: 'majority', j: true } }));
}

/** Whether the stack's database has the mark. */
export async function findMark(stack: TestedStack): Promise<boolean> {
  return withMarks(stack, async (marks) => (await marks.findOne({ left: true })) !== null);
}

async function withMarks<T>(
  stack: TestedStack,
  work: (marks: ReturnType<ReturnType<MongoClient['db']>['collection']>) => Promise<T>,
): Promise<T> {
  const client = new MongoClient(stack.mongodbUri);
  try {
    return await work(client.db().collection('stackSpecMarks'));
  } finally {
    await client.close();
  }
}
