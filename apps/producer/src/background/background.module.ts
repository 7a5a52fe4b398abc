import { Module } from '@nestjs/common';
import { ConnectionsModule } from '../connections.module.js';
import { Interruptions } from './interruptions.js';
import { WakeUp } from './leased-job.js';
import { Leases } from './leases.js';

/** What all background jobs share. */
@Module({
  imports: [ConnectionsModule],
  providers: [Interruptions, Leases, WakeUp],
  exports: [Interruptions, Leases, WakeUp],
})
export class BackgroundModule {}
