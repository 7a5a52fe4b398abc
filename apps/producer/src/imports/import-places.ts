import { Injectable } from '@nestjs/common';
import { ConcurrencyLimit, type ConcurrencySettings } from '#service/http/concurrency-limit.js';

/** The places of imports that are being received: each may have gigabytes. */
@Injectable()
export class ImportPlaces extends ConcurrencyLimit {
  constructor(limits: ConcurrencySettings<'IMPORTS'>) {
    super({ setting: 'IMPORTS', name: 'imports', code: 'too-many-imports' }, limits);
  }
}
