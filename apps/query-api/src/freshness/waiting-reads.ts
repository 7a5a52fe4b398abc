import { Injectable } from '@nestjs/common';
import { Places, type PlaceLimits } from '#service/http/places.js';

/** The places of reads that wait for an order: one query reads the orders of all of them. */
@Injectable()
export class WaitingReads extends Places {
  constructor(limits: PlaceLimits<'WAITS'>) {
    super({ setting: 'WAITS', name: 'reads with waitMs', code: 'too-many-waiting' }, limits);
  }
}
