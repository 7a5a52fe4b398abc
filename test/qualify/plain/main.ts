/**
 * A client library by itself, in a separate process, so that a case can kill it. `PlainProcess` starts it with one argument (`PlainTask` as
 * JSON). It prints a line for each value that was handled, ends on SIGTERM, and runs on Node.js 20, for which the third client can be built.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { PlainClient, PlainTask } from './plain-client.js';

async function clientOf({ client, brokers, directory }: PlainTask): Promise<PlainClient> {
  if (client === 'platformatic') return (await import('./platformatic-client.js')).platformaticClient(brokers);
  const { confluentClient, kafkajsClient } = await import('./kafkajs-clients.js');
  return client === 'kafkajs' ? kafkajsClient(brokers) : confluentClient(brokers, directory);
}

const task = JSON.parse(process.argv[2] ?? '') as PlainTask;
const client = await clientOf(task);
if (task.do === 'send') {
  const values = Array.from({ length: task.count }, (_, index) => `value ${index}`);
  console.log(await client.sendAtOnce(task.topic, values));
} else {
  const { topic, groupId, handlerMs } = task;
  const stop = await client.consume({
    topic,
    groupId,
    handle: async (value) => {
      await delay(handlerMs);
      console.log(value);
    },
  });
  process.once('SIGTERM', () => void stop().then(() => process.exit()));
}
