import { Injectable } from '@nestjs/common';
import { Places, type PlaceLimits } from '#service/http/places.js';

/** The places of exports in progress. */
@Injectable()
export class OpenExports extends Places {
  constructor(limits: PlaceLimits<'EXPORTS'>) {
    super({ setting: 'EXPORTS', name: 'exports', code: 'too-many-exports' }, limits);
  }
}
