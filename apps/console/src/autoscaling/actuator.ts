/** Sets the number of consumers where they run. */
export interface Actuator {
  /** What a number means that it has not been asked for: a person has set it, or consumers come and go. */
  readonly foreignCounts: 'hold' | 'adopt';
  /** Returns how many consumers there should be; `null`: not known now. */
  present(): Promise<number | null>;
  /** Requests a number; consumers start or drain later. Repeating a request changes nothing. */
  set(consumers: number): Promise<void>;
}
