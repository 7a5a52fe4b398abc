import type { ReadCapability, ReadStage } from './capability.js';

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

  /**
   * Returns whether answers to the read are compared, as far as this instance knows. It knows that they are not before any order is
   * written to one side only.
   */
  abstract isCompared(capability: ReadCapability, key: string): boolean;
}
