import { Injectable } from '@nestjs/common';
import { Places, type PlaceLimits } from '#service/http/places.js';

/** The places of reconciliations, running and waiting: they run one after another. */
@Injectable()
export class ReconciliationPlaces extends Places {
  constructor(limits: PlaceLimits<'RECONCILIATIONS'>) {
    super({ setting: 'RECONCILIATIONS', name: 'reconciliations', code: 'too-many-reconciliations' }, limits);
  }
}
