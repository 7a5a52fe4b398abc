import type { Cluster } from '../cluster/cluster.js';

/** One disturbance of a cluster. */
export interface Fault {
  /** What it is done to, such as `consumer-2` or `producer → Kafka-1`. */
  readonly subject: string;
  /** Resolves when it has begun. */
  begin(): Promise<void>;
  /** Undoes it. What has to come up again is waited for elsewhere. */
  end(): Promise<void>;
  /** Whether anybody has noticed, once it is over. Absent: nobody can have failed to. */
  hadEffect?(): boolean;
}

/** Draws a whole number from 0 up to but not including `below`: each next one of the same fault is another. */
export type Draw = (below: number) => number;

export interface FaultKind {
  readonly name: string;
  /** How long it lasts, in milliseconds, from and up to. */
  readonly lastsMs: readonly [number, number];
  /** From its beginning to its recovery, in seconds, where that may be more than a minute. */
  readonly takesSeconds?: number;
  /** Where it comes alone: while it lasts everything must come to work again, before it is undone: the time that this takes is counted too. Default: not. */
  readonly isTolerated?: boolean;
  /** What it needs that a machine may not have; `undefined`: nothing. */
  readonly needs?: 'small-disks';
  make(cluster: Cluster, draw: Draw): Promise<Fault>;
}

/** One of them, by a draw. */
export function oneOf<T>(all: readonly T[], draw: Draw): T {
  const one = all[draw(all.length)];
  if (one === undefined) throw new RangeError('there is nothing to choose from');
  return one;
}
