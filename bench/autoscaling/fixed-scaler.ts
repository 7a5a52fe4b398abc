import type { Scaler } from './scaler.js';

/** The same number all day. */
export class FixedScaler implements Scaler {
  constructor(private readonly count: number) {}

  decide(): number {
    return this.count;
  }
}
