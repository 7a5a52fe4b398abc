import { Module } from '@nestjs/common';
import { EventStreams } from '#service/http/concurrency-limit.js';
import { BackgroundModule } from '../background/background.module.js';
import { ConnectionsModule } from '../connections.module.js';
import { settings } from '../settings.js';
import { FaultInjection } from './fault-injection.js';
import { InterruptionScope } from './interruption-scope.js';
import { InterruptionsController } from './interruptions.controller.js';
import { OperationEventsController } from './operation-events.controller.js';
import { OperationView } from './operation-view.js';
import { OperationsController } from './operations.controller.js';
import { Operations } from './operations.js';
import { OrderOutcomes } from './order-outcomes.js';
import { RedriveProgress } from './redrive-progress.js';
import { SharedProgress } from './shared-progress.js';
import { WaitingConsumers } from './waiting-consumers.js';

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
