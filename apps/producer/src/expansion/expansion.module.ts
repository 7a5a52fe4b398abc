import { Module } from '@nestjs/common';
import { ORDERS_TOPIC } from '#orders/topics/topics.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { BackgroundModule } from '../background/background.module.js';
import { WakeUp } from '../background/leased-job.js';
import { ConnectionsModule, kafka } from '../connections.module.js';
import { ExpansionWatch, ProducerList } from './expansion-watch.js';
import { SendGate } from './send-gate.js';

/** Reads the partitions of the orders topic by a connection of its own, which has cached nothing. */
async function countPartitions(): Promise<number> {
  const admin = kafka.admin();
  try {
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [ORDERS_TOPIC] });
    return topics[0]?.partitions.length ?? 0;
  } finally {
    await admin.disconnect();
  }
}

function watch(mongo: Mongo, gate: SendGate, wakeUp: WakeUp): ExpansionWatch {
  return new ExpansionWatch(new ProducerList(mongo), countPartitions, gate, wakeUp);
}

/** Stops sending while the orders topic gets more partitions. */
@Module({
  imports: [ConnectionsModule, BackgroundModule],
  providers: [{ provide: ExpansionWatch, useFactory: watch, inject: [Mongo, SendGate, WakeUp] }],
})
export class ExpansionModule {}
