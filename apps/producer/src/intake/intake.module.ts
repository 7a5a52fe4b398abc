import { Module } from '@nestjs/common';
import { OrderCodec } from '#orders/order/order-codec.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { BackgroundModule } from '../background/background.module.js';
import { client, ConnectionsModule } from '../connections.module.js';
import { EmissionModule } from '../emission/emission.module.js';
import { OrdersTopic } from '../emission/orders-topic.js';
import { SendGate } from '../expansion/send-gate.js';
import { OperationsModule } from '../operations/operations.module.js';
import { settings } from '../settings.js';
import { BlockRecovery, IntakeTopic } from './batch-sender.js';
import { IntakeClosing, IntakeRecoveryJob } from './intake-closing.js';
import { MongoIntakeStore } from './intake-store.js';
import { IntakeController, OrderRedirectController, QueryApiAddress } from './intake.controller.js';
import { Intake } from './intake.js';

/** The metrics of the topic count the records of both. */
function connectTopic(gate: SendGate, codec: OrderCodec, { observer }: OrdersTopic): IntakeTopic {
  const topic = new IntakeTopic(() => client.producer(), codec, gate, observer);
  gate.attach(topic);
  return topic;
}

function createRecovery(store: MongoIntakeStore, topic: IntakeTopic, mongo: Mongo): BlockRecovery {
  return new BlockRecovery(store, topic, () => mongo.time.now());
}

/** Accepts real orders over HTTP. */
@Module({
  imports: [ConnectionsModule, BackgroundModule, OperationsModule, EmissionModule],
  controllers: [IntakeController, OrderRedirectController],
  providers: [
    { provide: IntakeTopic, useFactory: connectTopic, inject: [SendGate, OrderCodec, OrdersTopic] },
    { provide: BlockRecovery, useFactory: createRecovery, inject: [MongoIntakeStore, IntakeTopic, Mongo] },
    { provide: QueryApiAddress, useValue: new QueryApiAddress(settings.QUERY_API_PUBLIC_URL) },
    MongoIntakeStore,
    IntakeClosing,
    IntakeRecoveryJob,
    Intake,
  ],
})
export class IntakeModule {}
