import { Module } from '@nestjs/common';
import { EventStreams } from '#service/http/event-streams.js';
import { BackgroundModule } from '../background/background.module.js';
import { ConnectionsModule } from '../connections.module.js';
import { settings } from '../settings.js';
import { OperationView, SharedProgress, WaitingConsumers } from './operation-progress.js';
import { FaultInjection } from './operation-requests.js';
import {
  InterruptionsController,
  InterruptionScope,
  OperationEventsController,
  OperationsController,
} from './operations.controller.js';
import { Operations } from './operations.js';
import { OrderOutcomes, RedriveProgress } from './order-outcomes.js';

/** Creates, shows, pauses, resumes and cancels operations. */
@Module({
  imports: [ConnectionsModule, BackgroundModule],
  controllers: [OperationsController, InterruptionsController, OperationEventsController],
  providers: [
    Operations,
    InterruptionScope,
    OperationView,
    OrderOutcomes,
    RedriveProgress,
    SharedProgress,
    WaitingConsumers,
    { provide: EventStreams, useValue: new EventStreams(settings) },
    { provide: FaultInjection, useValue: new FaultInjection(settings) },
  ],
  exports: [Operations, OperationView, RedriveProgress],
})
export class OperationsModule {}
