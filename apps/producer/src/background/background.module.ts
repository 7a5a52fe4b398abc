import { Module } from '@nestjs/common';
import { ConnectionsModule } from '../connections.module.js';
import { Interruptions } from './interruptions.js';
import { Leases } from './leases.js';
import { WakeUp } from './wake-up.js';

/** What all background jobs share. */
@Module({
  imports: [ConnectionsModule],
  providers: [Interruptions, Leases, WakeUp],
  exports: [Interruptions, Leases, WakeUp],
})
export class BackgroundModule {}
