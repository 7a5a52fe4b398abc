import type { Clock } from '#parallel-consumer/clock.js';
import { RateMeter } from '#parallel-consumer/rate-meter.js';
import type { Operation } from '../producer/operation.js';
import { progressBar, progressText } from './progress-text.js';
import type { TextStream } from './terminal.js';

const LOOK_EVERY_MS = 1_000;
/** Where no person looks, a line each five looks. */
const LOOKS_PER_LINE = 5;
/** How many looks back the rate goes: what is saved arrives in bulks, and less would jump. */
const RATE_OVER_LOOKS = 10;
const MAX_BAR = 40;
const MIN_BAR = 12;
const DEFAULT_COLUMNS = 80;
const CLEAR_TO_END_OF_LINE = '\u001b[K';

/**
 * How far an operation is, while it is watched: on a TTY one line with a bar, drawn again each second; elsewhere a plain line every
 * five seconds, if it differs from the last.
 *
 * Own code: `cli-progress` knows one value of a total, and here two matter, acknowledged and saved, either of which can be unknown.
 */
export class Progress {
  private readonly meter = new RateMeter(RATE_OVER_LOOKS);
  private looks = 0;
  private measured = 0;
  private operation: Operation | undefined;
  private notice: string | undefined;
  private lastLine = '';
  private cancel: (() => void) | undefined;

  constructor(
    private readonly stream: TextStream,
    private readonly clock: Clock,
  ) {}

  /** The first one starts the drawing. */
  update(operation: Operation): void {
    this.notice = undefined;
    const isFirst = this.operation === undefined;
    this.operation = operation;
    if (isFirst) this.look();
    else if (this.stream.isTTY) this.show();
  }

  /** Says that the watching has lost its connection; until the next update. */
  lost(reason: string): void {
    this.notice = `connection lost (${reason}), trying again`;
    if (this.operation !== undefined && this.stream.isTTY) this.show();
  }

  /** Ends the drawing, with all as it is at last. */
  end(): void {
    this.cancel?.();
    if (this.operation === undefined) return;
    this.show();
    if (this.stream.isTTY) this.stream.write('\n');
  }

  private look(): void {
    this.cancel = this.clock.after(LOOK_EVERY_MS, () => this.look());
    this.measure();
    if (this.stream.isTTY || this.looks % LOOKS_PER_LINE === 0) this.show();
    this.looks += 1;
  }

  private measure(): void {
    const saved = this.operation?.saved;
    if (typeof saved !== 'number') return;
    this.meter.read(this.clock.now(), saved);
    this.measured += 1;
  }

  private show(): void {
    if (this.operation === undefined) return;
    const savedPerSecond = this.measured > 1 ? this.meter.perSecond : null;
    const view = { operation: this.operation, savedPerSecond, notice: this.notice };
    if (this.stream.isTTY) this.draw(this.operation, progressText(view));
    else this.print(progressText(view));
  }

  private draw(operation: Operation, text: string): void {
    // A width of 0 is one that isn't known. The last column stays free: a terminal that wraps there would leave a line behind at each drawing.
    const columns = (this.stream.columns || DEFAULT_COLUMNS) - 1;
    const room = Math.min(MAX_BAR, columns - text.length - 1);
    const line = room >= MIN_BAR ? `${progressBar(operation, room)} ${text}` : text;
    this.stream.write(`\r${line.slice(0, columns)}${CLEAR_TO_END_OF_LINE}`);
  }

  private print(line: string): void {
    if (line === this.lastLine) return;
    this.lastLine = line;
    this.stream.write(`${line}\n`);
  }
}
