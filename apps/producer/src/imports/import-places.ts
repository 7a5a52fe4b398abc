import { Injectable } from '@nestjs/common';
import { Places, type PlaceLimits } from '#service/http/places.js';

/** The places of imports that are being received: each may have gigabytes. */
@Injectable()
export class ImportPlaces extends Places {
  constructor(limits: PlaceLimits<'IMPORTS'>) {
    super({ setting: 'IMPORTS', name: 'imports', code: 'too-many-imports' }, limits);
  }
}
