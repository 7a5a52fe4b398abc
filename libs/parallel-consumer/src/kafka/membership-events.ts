import type { PartitionsByTopic } from '../protocol/consumer-protocol.js';

/** Receives the events of a membership. Calls do not overlap, except that `lost` may come while `rebalancing` or `surrender` waits. */
export interface MembershipEvents {
  /** @param kept whether the member kept its id and missed no generation since its last assignment */
  assigned(assignment: PartitionsByTopic, kept: boolean): void;
  /** Called when the next generation is due, in an eager group. The current generation can still commit until this resolves. */
  rebalancing(): Promise<void>;
  /**
   * Called after each assignment of a cooperative group: drains what the assignment does not have any more.
   * @returns whether there was something, so that the group has to rebalance once more
   */
  surrender(): Promise<boolean>;
  /** Called when the group expelled this member, or its lease has ended. */
  lost(error: unknown): void;
}
