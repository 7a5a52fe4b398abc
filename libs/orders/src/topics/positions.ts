/** Offsets by partition. */
export type Positions = ReadonlyMap<number, number>;

/** Reads the offsets of topics, and the committed offsets of consumer groups. */
export interface TopicPositions {
  /**
   * Reads the end offsets: the offsets that the next records will get.
   * @throws when Kafka is unavailable
   */
  ends(topic: string): Promise<Positions>;
  /**
   * Reads the group's committed offsets: all records before them are finished. For a partition without a committed offset it
   * returns the log start offset, where the group will begin.
   * @throws when Kafka is unavailable
   */
  committed(groupId: string, topic: string): Promise<Positions>;
}

/** Counts the records between two positions of a topic. */
export function recordsBetween(from: Positions, to: Positions): number {
  return [...to].reduce((sum, [partition, offset]) => sum + Math.max(0, offset - (from.get(partition) ?? 0)), 0);
}
