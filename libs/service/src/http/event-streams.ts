import { Injectable } from '@nestjs/common';
import { Places, type PlaceLimits } from './places.js';

/** The places of event streams, which clients may keep open for hours. */
@Injectable()
export class EventStreams extends Places {
  constructor(limits: PlaceLimits<'EVENT_STREAMS'>) {
    super({ setting: 'EVENT_STREAMS', name: 'event streams', code: 'too-many-event-streams' }, limits);
  }
}
