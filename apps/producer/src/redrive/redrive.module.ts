import { Module } from '@nestjs/common';
import { BackgroundModule } from '../background/background.module.js';
import { ConnectionsModule } from '../connections.module.js';
import { DeadLettersModule } from '../dead-letters/dead-letters.module.js';
import { EmissionModule } from '../emission/emission.module.js';
import { OperationsModule } from '../operations/operations.module.js';
import { RedriveJob, RedriveWork } from './redrive-job.js';
import { RedriveController } from './redrive.controller.js';
import { RedrivenLetters } from './redriven-letters.js';
import { Redrives } from './redrives.js';

/** Sends dead letters to the orders topic again, or discards them. */
@Module({
  imports: [ConnectionsModule, BackgroundModule, OperationsModule, EmissionModule, DeadLettersModule],
  controllers: [RedriveController],
  providers: [RedrivenLetters, Redrives, RedriveWork, RedriveJob],
})
export class RedriveModule {}
