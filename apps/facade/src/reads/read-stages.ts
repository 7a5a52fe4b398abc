import type { SideName } from '../sides/side.js';
import type { ReadCapability, ReadStage } from '../stages/capability.js';
import type { AskedOrders } from './legacy-read.js';

/** What the migration state says about a read. */
export interface StageOfRead {
  readonly stage: ReadStage;
  /** The version of the capability's state, to which samples count. */
  readonly version: number;
}

/** The migration state, as reads need it. */
export abstract class ReadStages {
  /**
   * @param key what is asked for: its bucket decides with a percentage
   * @throws an error with code `state-unknown` if the state is too old and can not be read
   */
  abstract stageOf(capability: ReadCapability, key: string): Promise<StageOfRead>;
}

/** The open write intents, as reads and the re-check of a comparison need them. */
export abstract class AwaitedIntents {
  /**
   * Resolves when no open intent is missing on the side that matches what is asked for; at once, without MongoDB, if there can be none.
   * @throws an error with code `still-open` after 2 s
   */
  abstract untilReadable(side: SideName, asked: AskedOrders, signal: AbortSignal): Promise<void>;
}
