import type { Positions } from '#orders/topic-positions.js';
import { DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC, ORDERS_TOPIC, SAVERS_GROUP } from '#orders/topics.js';
import type { RedrivenLetters } from './redriven-letters.js';

/** Where topics end and groups are, as Kafka tells it. */
export interface GroupPositions {
  ends(topic: string): Promise<Positions>;
  committed(group: string, topic: string): Promise<Positions>;
}

/** What the savers had committed at one moment, and all dead letters of until then. */
interface Moment {
  readonly committed: Positions;
  readonly letters: Positions;
}

/** Finds out how the letters of one redrive ended. */
export class RedriveOutcomes {
  private moment: Moment | undefined;

  constructor(
    private readonly id: string,
    private readonly letters: Pick<RedrivenLetters, 'judge'>,
    private readonly positions: GroupPositions,
  ) {}

  /**
   * Judges the letters whose record the savers are past, if all dead letters of until then are known. The order counts: what is committed is
   * read before where the dead letters end. That moment is kept until it is reached: while others come without end, the end of now never is.
   */
  async judge(): Promise<void> {
    this.moment ??= {
      committed: await this.positions.committed(SAVERS_GROUP, ORDERS_TOPIC),
      letters: await this.positions.ends(DEAD_LETTER_TOPIC),
    };
    const { committed, letters } = this.moment;
    const projected = await this.positions.committed(DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC);
    if ([...letters].some(([partition, end]) => (projected.get(partition) ?? 0) < end)) return;
    this.moment = undefined;
    for (const [partition, offset] of committed) await this.letters.judge(this.id, partition, offset);
  }
}
