import { Injectable } from '@nestjs/common';
import { ConcurrencyLimit, type ConcurrencySettings } from '#service/http/concurrency-limit.js';

/** The places of reconciliations, running and waiting: they run one after another. */
@Injectable()
export class ReconciliationPlaces extends ConcurrencyLimit {
  constructor(limits: ConcurrencySettings<'RECONCILIATIONS'>) {
    super({ setting: 'RECONCILIATIONS', name: 'reconciliations', code: 'too-many-reconciliations' }, limits);
  }
}
