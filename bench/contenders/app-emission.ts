import { Logger } from '@nestjs/common';
import { connectKafka } from '@orders-pipeline/parallel-consumer/kafkajs';
import { connectClient } from './connect-client.js';
import { connectSave } from './connect-save.js';
import { contenderLogger as logger } from './contender-logger.js';
import type { Contender } from './contender.js';
import { MeteredTopic } from './metered-topic.js';
import { startEmission } from './start-emission.js';

export const contend: Contender<'app-emission'> = async (job, meter) => {
  // By default Nest logs to stdout, which is reserved for the table.
  Logger.overrideLogger({ log: () => undefined, warn: logWarning, error: logWarning });
  const { codec, mongo } = await connectSave(job);
  const kafka = connectKafka({ brokers: job.brokers.split(','), clientId: 'bench', logger });
  const { chunkSize, client } = job.parameters;
  const topic = new MeteredTopic((await connectClient(job, client)).producer(), codec, meter);
  await startEmission({ kafka, mongo, topic }, { count: job.records, chunkSize });
  await meter.done;
};

function logWarning(details: unknown): void {
  logger.warn({ details }, 'emission');
}
