import { connectKafka, ReliableProducer } from '@orders-pipeline/parallel-consumer/kafkajs';
import kafkajs, { type Message } from 'kafkajs';
import { OrderCodec } from '#orders/order/order-codec.js';
import { OrdersTopic } from '../../apps/producer/src/emission/orders-topic.js';
import { SendGate } from '../../apps/producer/src/expansion/send-gate.js';
import { PARTITIONS } from '../datasets/dataset.js';
import { ordersDataset } from '../datasets/orders-dataset.js';
import { contenderLogger as logger } from './contender-logger.js';
import type { Contender } from './contender.js';
import type { Job } from './job.js';

/** Only builds records: plain kafkajs sends them. */
const NO_PRODUCER = new ReliableProducer({
  connect: () => {
    throw new Error('this producer must not send');
  },
  logger,
});

export const contend: Contender<'bare-send'> = async (job, meter) => {
  const kafka = connectKafka({ brokers: job.brokers.split(','), clientId: 'bench', logger });
  const chunks = await prepareChunks(job);
  const producer = kafka.producer({
    createPartitioner: kafkajs.Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  });
  await producer.connect();
  meter.begin();
  for (const messages of chunks) {
    await producer.send({ topic: job.topic, acks: -1, messages });
    meter.finished(messages.length);
  }
  await meter.done;
};

/** Builds the records of the producer app, with partitions, keys, headers and encoded orders. Their headers are texts, which kafkajs can send. */
async function prepareChunks({ records, registryUrl, parameters }: Job<'bare-send'>): Promise<Message[][]> {
  const codec = await OrderCodec.connect({ url: registryUrl });
  const recordAt = ordersDataset(records).maker(new OrdersTopic(() => NO_PRODUCER, codec, new SendGate(PARTITIONS)));
  const { recordsPerSend } = parameters;
  return Array.from({ length: Math.ceil(records / recordsPerSend) }, (_, chunk) => {
    const from = chunk * recordsPerSend;
    const length = Math.min(recordsPerSend, records - from);
    return Array.from({ length }, (_record, at) => recordAt(from + at) as Message);
  });
}
