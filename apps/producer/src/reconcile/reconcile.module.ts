import { Module } from '@nestjs/common';
import { ConnectionsModule } from '../connections.module.js';
import { ReconcileController } from './reconcile.controller.js';

/** Compares the acknowledged orders of an operation with MongoDB. */
@Module({ imports: [ConnectionsModule], controllers: [ReconcileController] })
export class ReconcileModule {}
