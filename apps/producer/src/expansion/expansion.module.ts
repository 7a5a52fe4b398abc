import { Module } from '@nestjs/common';
import { BackgroundModule } from '../background/background.module.js';
import { WakeUp } from '../background/wake-up.js';
import { ConnectionsModule, PreparedTopics } from '../connections.module.js';
import { ExpansionWatch } from './expansion-watch.js';
import { ProducerList } from './producer-list.js';
import { SendGate } from './send-gate.js';

function watch(producers: ProducerList, gate: SendGate, wakeUp: WakeUp, { joined }: PreparedTopics): ExpansionWatch {
  const watching = new ExpansionWatch(producers, gate, wakeUp);
  watching.begin(joined);
  return watching;
}

/** Stops sending while the orders topic gets more partitions. */
@Module({
  imports: [ConnectionsModule, BackgroundModule],
  providers: [{ provide: ExpansionWatch, useFactory: watch, inject: [ProducerList, SendGate, WakeUp, PreparedTopics] }],
})
export class ExpansionModule {}
