// Preloaded into an app (`node --import`): its wall clock goes wrong by as many milliseconds as the file CLOCK_SHIFT_FILE says, from when it
// says so. Timers and `performance.now()` stay right, as they do where somebody sets a machine's clock.
import { readFileSync } from 'node:fs';

const LOOK_EVERY_MS = 100;
const file = process.env['CLOCK_SHIFT_FILE'] ?? '';
const RightDate = Date;
let shiftMs = 0;

function look(): void {
  try {
    shiftMs = Number(readFileSync(file, 'utf8')) || 0;
  } catch {
    // There is none as long as nobody shifts it.
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

look();
// What a process takes for the time when it began stays as wrong as it was then.
const { timeOrigin } = performance;
const shiftedOrigin = timeOrigin + shiftMs;
Object.defineProperty(performance, 'timeOrigin', { get: () => shiftedOrigin });
setInterval(look, LOOK_EVERY_MS).unref();
globalThis.Date = ShiftedDate as DateConstructor;
