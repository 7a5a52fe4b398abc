import { Injectable, Logger } from '@nestjs/common';
import { findInFlightOverride } from '#orders/in-flight-override.js';
import { Mongo } from '#service/mongo.js';
import { OrdersConsumer } from './orders-consumer.js';
import { settings } from './settings.js';

/** Keeps the limit of orders in flight as it was set last: by whoever started this consumer, or since then for all of them. */
@Injectable()
export class InFlightOverride {
  private readonly logger = new Logger('in-flight');
  private applied: number | 'auto' = settings.IN_FLIGHT_LIMIT;

  constructor(
    private readonly mongo: Mongo,
    private readonly savers: OrdersConsumer,
  ) {}

  /** As it is set now. */
  get set(): number | 'auto' {
    return this.applied;
  }

  /** @throws what MongoDB's driver throws: then it stays as it is */
  async look(): Promise<void> {
    const wish = await findInFlightOverride(this.mongo.db, settings.IN_FLIGHT_OVERRIDES_SINCE);
    const limit = wish?.limit ?? settings.IN_FLIGHT_LIMIT;
    // The same again would begin the search of `auto` anew.
    if (limit === this.applied) return;
    this.savers.setInFlight(limit);
    this.logger.log({ limit, before: this.applied }, `${limit} orders in flight from now on`);
    this.applied = limit;
  }
}
