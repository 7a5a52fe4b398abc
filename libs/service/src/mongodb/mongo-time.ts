import type { MongoClient, ServerHeartbeatSucceededEvent } from 'mongodb';
import { systemClock, type Clock } from '@orders-pipeline/clock';

/** Number of heartbeats to keep; they are two seconds apart. */
const KEPT = 5;

/**
 * Returns the time of the clock of MongoDB's primary, for everything that several processes agree on, such as the expiry of a
 * lease and the time at which an order is due. With local clocks, a process whose clock is an hour ahead would consider every
 * lease expired and hold its own for an hour.
 *
 * It learns the time from the responses to the driver's heartbeats. Between heartbeats, and while there is no primary, the
 * local clock continues from there. The error is at most the latency of a response. Not guaranteed: that the time never goes
 * back, such as after an election of a member whose clock is behind.
 */
export class MongoTime {
  private primary: string | undefined;
  private leads: number[] = [];

  constructor(
    client: Pick<MongoClient, 'on'>,
    private readonly clock: Clock = systemClock,
  ) {
    client.on('serverHeartbeatSucceeded', (event) => this.note(event));
  }

  /** Returns the local time until the first heartbeat; no command has a response before that either. */
  now(): Date {
    return new Date(this.clock.now() + (this.leads.length === 0 ? 0 : Math.max(...this.leads)));
  }

  private note({ connectionId, reply }: ServerHeartbeatSucceededEvent): void {
    const { isWritablePrimary, localTime } = reply as { isWritablePrimary?: boolean; localTime?: Date };
    if (isWritablePrimary !== true || localTime === undefined) return;
    if (connectionId !== this.primary) this.leads = [];
    this.primary = connectionId;
    // A response that was unread while this process hung gives too early a time, so the greatest of a few leads is used.
    this.leads = [...this.leads.slice(1 - KEPT), localTime.getTime() - this.clock.now()];
  }
}
