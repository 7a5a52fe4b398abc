import { Injectable, Logger } from '@nestjs/common';
import { findInFlightOverride } from '#orders/consumer/consumers.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { OrdersConsumer } from './orders-consumer.js';
import { settings } from '../settings.js';

/** Applies the in-flight limit: the runtime override in MongoDB if there is one, otherwise this consumer's setting. */
@Injectable()
export class InFlightOverride {
  private readonly logger = new Logger('in-flight');
  private applied: number | 'auto' = settings.IN_FLIGHT_LIMIT;

  constructor(
    private readonly mongo: Mongo,
    private readonly savers: OrdersConsumer,
  ) {}

  /** The limit that is in effect. */
  get set(): number | 'auto' {
    return this.applied;
  }

  /**
   * Reads the override from MongoDB and applies a changed limit.
   * @throws the error of MongoDB's driver; the limit is then unchanged
   */
  async poll(): Promise<void> {
    const override = await findInFlightOverride(this.mongo.db, settings.IN_FLIGHT_OVERRIDES_SINCE);
    const limit = override?.limit ?? settings.IN_FLIGHT_LIMIT;
    // Setting `auto` again would restart its search for the limit.
    if (limit === this.applied) return;
    this.savers.setInFlight(limit);
    this.logger.log({ limit, before: this.applied }, 'in-flight limit changed');
    this.applied = limit;
  }
}
