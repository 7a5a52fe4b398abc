import { Module } from '@nestjs/common';
import { RecordReader } from '@orders-pipeline/parallel-consumer/kafkajs';
import { client, ConnectionsModule } from '../connections.module.js';
import { DeadLettersController } from './dead-letters.controller.js';
import { DeadLetters, LetterRecords } from './dead-letters.js';

/** Shows dead letters, with their records from Kafka. */
@Module({
  imports: [ConnectionsModule],
  controllers: [DeadLettersController],
  providers: [
    { provide: LetterRecords, useValue: new LetterRecords(new RecordReader(client.connections())) },
    DeadLetters,
  ],
  exports: [LetterRecords],
})
export class DeadLettersModule {}
