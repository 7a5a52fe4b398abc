import type { MongoClient, ServerHeartbeatSucceededEvent } from 'mongodb';
import { systemClock, type Clock } from '#parallel-consumer/clock.js';

/** Heartbeats that are kept: two seconds apart. */
const KEPT = 5;

/**
 * The time by the clock of MongoDB's primary, for all that several processes agree on: whether a lease has run out, and when an order is due.
 * A process whose own clock is an hour ahead would else take every lease for run out, and keep each of its own for an hour.
 *
 * Learnt from the driver's heartbeats, each of whose answers tells it. Between them, and while there is no primary, this process's own clock
 * goes on from there. Right to the time that an answer travels. Not guaranteed: that it never goes back, as when another member becomes primary
 * whose clock is behind.
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

  /** Until the first heartbeat, before which no command has been answered either, this process's own. */
  now(): Date {
    return new Date(this.clock.now() + (this.leads.length === 0 ? 0 : Math.max(...this.leads)));
  }

  private note({ connectionId, reply }: ServerHeartbeatSucceededEvent): void {
    const { isWritablePrimary, localTime } = reply as { isWritablePrimary?: boolean; localTime?: Date };
    if (isWritablePrimary !== true || localTime === undefined) return;
    if (connectionId !== this.primary) this.leads = [];
    this.primary = connectionId;
    // An answer that lay unread, since this process hung, makes it seem earlier than it is: the greatest of a few is the one that did not.
    this.leads = [...this.leads.slice(1 - KEPT), localTime.getTime() - this.clock.now()];
  }
}
