/** The legacy numbers that the facade assigns, shared by all instances. */
export interface NumberStore {
  /** Lets all further blocks begin above a number. */
  raiseAbove(highest: number): Promise<void>;

  /** Takes the next numbers; no other call ever returns them. @returns the first of them */
  take(count: number): Promise<number>;

  /** Returns the highest number that was taken for a block, or chosen; 0 before the first. */
  highest(): Promise<number>;

  /** Returns which numbers of an interval clients have chosen themselves. */
  chosen(first: number, last: number): Promise<ReadonlySet<number>>;

  /**
   * Reserves a number that a client has chosen for its order.
   * @returns `false` if it is another order's, or may be one of a block that an instance has taken
   */
  choose(number: number, id: string): Promise<boolean>;
}
