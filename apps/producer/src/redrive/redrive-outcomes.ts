import {
  type Positions,
  DEAD_LETTER_GROUP,
  DEAD_LETTER_TOPIC,
  ORDERS_TOPIC,
  ORDERS_CONSUMER_GROUP,
} from '#orders/topics/topics.js';
import type { RedrivenLetters } from './redriven-letters.js';

/** Reads end offsets of topics and committed offsets of consumer groups. */
export interface GroupPositions {
  ends(topic: string): Promise<Positions>;
  committed(group: string, topic: string): Promise<Positions>;
}

/** The committed offsets of the consumers at one moment, and the end offsets of the dead-letter topic after it. */
interface Moment {
  readonly committed: Positions;
  readonly letters: Positions;
}

/** Determines the outcomes of the letters of one redrive. */
export class RedriveOutcomes {
  private moment: Moment | undefined;

  constructor(
    private readonly id: string,
    private readonly letters: Pick<RedrivenLetters, 'judge'>,
    private readonly positions: GroupPositions,
  ) {}

  /**
   * Judges the letters whose record the consumers have committed, once all dead letters of that moment are projected to MongoDB.
   * The order matters: the committed offsets are read before the end of the dead-letter topic. The moment is kept until the projection
   * reaches it, because the projection may never reach the current end while new dead letters keep arriving.
   */
  async judge(): Promise<void> {
    this.moment ??= {
      committed: await this.positions.committed(ORDERS_CONSUMER_GROUP, ORDERS_TOPIC),
      letters: await this.positions.ends(DEAD_LETTER_TOPIC),
    };
    const { committed, letters } = this.moment;
    const projected = await this.positions.committed(DEAD_LETTER_GROUP, DEAD_LETTER_TOPIC);
    if ([...letters].some(([partition, end]) => (projected.get(partition) ?? 0) < end)) return;
    this.moment = undefined;
    for (const [partition, offset] of committed) await this.letters.judge(this.id, partition, offset);
  }
}
