import { systemClock } from '@orders-pipeline/clock';
import { LegacyTimeZone } from '#legacy/translation/legacy-time-zone.js';
import { Sides, type SidesOptions } from '../sides.js';

interface Addresses extends Partial<SidesOptions> {
  readonly legacyUrl: string;
  /** Of the producer and the query API. */
  readonly newUrl: string;
}

/** Returns connections to both sides, without tokens. */
export function sidesBetween({ newUrl, ...options }: Addresses): Sides {
  return Sides.of({
    producerUrl: newUrl,
    queryApiUrl: newUrl,
    zone: new LegacyTimeZone('UTC'),
    legacyConnections: 32,
    legacyTimeoutMs: 60_000,
    newConnections: 32,
    newTimeoutMs: 60_000,
    tokenClient: undefined,
    clock: systemClock,
    ...options,
  });
}
