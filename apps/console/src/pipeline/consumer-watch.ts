import { GONE_AFTER_MS, HEARTBEAT_EVERY_MS } from '#orders/consumer/consumers.js';
import type { ConsumerState } from './consumer-state.js';
import type { PipelineSnapshot, SeenConsumer } from './pipeline-snapshots.js';

export type WatchedConsumer = Omit<SeenConsumer, 'state'> & { readonly state: ConsumerState };

export type WatchedSnapshot = Omit<PipelineSnapshot, 'consumers'> & {
  readonly consumers: readonly WatchedConsumer[] | null;
};

/** A pause between two snapshots after which silence says nothing: the console itself was stopped. */
const INTERRUPTED_MS = 3 * HEARTBEAT_EVERY_MS;
/** A process with the name of another one has replaced it when the other one is silent for this long. */
const REPLACED_AFTER_MS = 1.5 * HEARTBEAT_EVERY_MS;

/** A heartbeat can be this late without a reason to worry: it is written once a second, and read once a second. */
const LATE_AFTER_MS = 2 * HEARTBEAT_EVERY_MS;

/** Adds to the state that each consumer reports whether it still sends heartbeats, from successive snapshots. */
export class ConsumerWatch {
  /** Since when the heartbeats have been read without an interruption. */
  private readSince: number | null = null;
  private readAt = 0;

  /** Adds the states. After an outage of MongoDB all heartbeats are old, so no consumer counts as dead until it could have sent new ones. */
  add(snapshot: PipelineSnapshot): WatchedSnapshot {
    const { at, consumers } = snapshot;
    if (consumers === null) {
      this.readSince = null;
      return { ...snapshot, consumers };
    }
    if (this.readSince === null || at - this.readAt > INTERRUPTED_MS) this.readSince = at;
    this.readAt = at;
    const couldBeat = at - this.readSince >= GONE_AFTER_MS;
    return {
      ...snapshot,
      consumers: Array.from(consumers, (each) => ({ ...each, state: stateOf(each, consumers, couldBeat) })),
    };
  }
}

/** Returns whether the last heartbeat is recent. */
export function hasRecentHeartbeat({ ageMs }: SeenConsumer): boolean {
  return ageMs <= GONE_AFTER_MS;
}

function stateOf(consumer: SeenConsumer, all: readonly SeenConsumer[], couldBeat: boolean): ConsumerState {
  if (all.some((other) => isReplacement(other, consumer))) return 'dead';
  if (!hasRecentHeartbeat(consumer)) return couldBeat ? 'dead' : 'silent';
  if (couldBeat && consumer.ageMs > LATE_AFTER_MS) return 'late';
  return consumer.state ?? (consumer.notReadyBecause === null ? 'ready' : 'waiting');
}

/** The names of `npm start` and Compose are unique. Consumers that share a name otherwise both send heartbeats. */
function isReplacement(other: SeenConsumer, { _id, name, host, startedAt, ageMs }: SeenConsumer): boolean {
  const isNamesake = other._id !== _id && other.name === name && other.host === host;
  return isNamesake && other.startedAt > startedAt && ageMs >= REPLACED_AFTER_MS && other.ageMs < ageMs;
}
