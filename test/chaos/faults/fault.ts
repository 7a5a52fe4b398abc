import type { Cluster } from '../cluster/cluster.js';

/** One disturbance of a cluster. */
export interface Fault {
  /** What the fault affects, such as `consumer-2` or `producer → Kafka-1`. */
  readonly subject: string;
  /** Begins the fault; resolves when it is in full effect. */
  begin(): Promise<void>;
  /** Undoes the fault. Does not wait for the recovery. */
  end(): Promise<void>;
  /** Whether the fault had an effect, once it is over. Absent for faults that always have one. */
  hadEffect?(): boolean;
}

/** Draws the next pseudo-random integer from 0 to `below` - 1. */
export type Draw = (below: number) => number;

export interface FaultKind {
  readonly name: string;
  /** Shortest and longest duration, in milliseconds. */
  readonly lastsMs: readonly [number, number];
  /** Longest time from the beginning to the recovery, in seconds; set if it may exceed a minute. */
  readonly takesSeconds?: number;
  /**
   * Whether the cluster must recover while the fault lasts, before it is undone. The time of that recovery counts too. Applies only to a
   * single fault, not to simultaneous ones. Default: false.
   */
  readonly isTolerated?: boolean;
  /** A requirement that a machine may not meet; `undefined` for none. */
  readonly needs?: 'small-disks';
  make(cluster: Cluster, draw: Draw): Promise<Fault>;
}

/** Draws one of several. */
export function oneOf<T>(all: readonly T[], draw: Draw): T {
  const one = all[draw(all.length)];
  if (one === undefined) throw new RangeError('there is nothing to choose from');
  return one;
}

/** Names of the consumers that run or are starting. */
export function consumersOf(cluster: Cluster): string[] {
  return cluster.apps.all.filter(({ job }) => job === 'consumer').map(({ name }) => name);
}
