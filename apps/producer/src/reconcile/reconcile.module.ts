import { Module } from '@nestjs/common';
import { ConnectionsModule } from '../connections.module.js';
import { settings } from '../settings.js';
import { ReconcileController, ReconciliationPlaces } from './reconcile.controller.js';

/** Compares the acknowledged orders of an operation with MongoDB. */
@Module({
  imports: [ConnectionsModule],
  controllers: [ReconcileController],
  providers: [{ provide: ReconciliationPlaces, useValue: new ReconciliationPlaces(settings) }],
})
export class ReconcileModule {}
