// Preloaded into an app (`node --import`). Shifts the wall clock by the milliseconds in the file CLOCK_SHIFT_FILE, which it polls. Timers
// and `performance.now()` are not shifted, as when a machine's clock is set.
import { readFileSync } from 'node:fs';

const POLL_INTERVAL_MS = 100;
const file = process.env['CLOCK_SHIFT_FILE'] ?? '';
const RightDate = Date;
let shiftMs = 0;

function poll(): void {
  try {
    shiftMs = Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    // The file does not exist until the clock is shifted.
    shiftMs = 0;
  }
}

class ShiftedDate extends RightDate {
  constructor(...given: [] | ConstructorParameters<DateConstructor>) {
    if (given.length === 0) super(ShiftedDate.now());
    else super(...given);
  }

  static override now(): number {
    return RightDate.now() + shiftMs;
  }
}

poll();
// The recorded start time of the process keeps the shift that the clock had at the start.
const { timeOrigin } = performance;
const shiftedOrigin = timeOrigin + shiftMs;
Object.defineProperty(performance, 'timeOrigin', { get: () => shiftedOrigin });
setInterval(poll, POLL_INTERVAL_MS).unref();
globalThis.Date = ShiftedDate as DateConstructor;
