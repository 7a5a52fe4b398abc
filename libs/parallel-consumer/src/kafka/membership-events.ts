import type { PartitionsByTopic } from '../protocol/consumer-protocol.js';

/** Receives the events of a membership. Calls do not overlap. */
export interface MembershipEvents {
  /** @param kept whether the member kept its id and missed no generation since its last assignment */
  assigned(assignment: PartitionsByTopic, kept: boolean): void;
  /** Called when the next generation is due. The current generation can still commit until this resolves. */
  rebalancing(): Promise<void>;
  /** Called when the group expelled this member. */
  lost(error: unknown): void;
}
