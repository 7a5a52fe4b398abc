import type { AskedOrders } from '../sides/legacy-read.js';
import type { SideName } from '../sides/side.js';

/** The open write intents, as reads and the re-check of a comparison need them. */
export abstract class AwaitedIntents {
  /**
   * Resolves when no open intent is missing on the side that matches what is asked for; at once, without MongoDB, if there can be none.
   * @throws an error with code `still-open` after 2 s
   */
  abstract untilReadable(side: SideName, asked: AskedOrders, signal: AbortSignal): Promise<void>;
}
