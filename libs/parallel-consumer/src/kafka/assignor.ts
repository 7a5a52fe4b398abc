import type { JoinResponse } from '../protocol/group-requests.js';

/** Assigns the partitions of a group to its members. */
export interface Assignor {
  /** Protocol names that this assignor offers; they are equivalent. */
  readonly names: readonly string[];
  /** Returns the data that this member sends to the group leader. */
  userData(): Buffer;
  /** Assigns the partitions; only the leader calls this. @returns each member's encoded assignment */
  assign(members: JoinResponse['members']): Promise<ReadonlyMap<string, Buffer>>;
}
