import { type Clock, RateMeter } from '@orders-pipeline/clock';
import type { Operation } from '#api/producer.js';
import { progressBar, progressText } from './progress-text.js';
import type { TextStream } from './terminal.js';

const TICK_MS = 1_000;
/** Without a TTY, one line is printed every 5 ticks. */
const TICKS_PER_LINE = 5;
/** The number of ticks that the rate covers. Orders are saved in bulks, so the rate over fewer ticks would jump. */
const RATE_OVER_TICKS = 10;
const MAX_BAR = 40;
const MIN_BAR = 12;
const DEFAULT_COLUMNS = 80;
const CLEAR_TO_END_OF_LINE = '\u001b[K';

/**
 * Shows the progress of a watched operation: on a TTY, one line with a bar that is redrawn each second; elsewhere, a plain line every
 * 5 s if it has changed.
 *
 * `cli-progress` is not used, because it shows only one value. Here there are two, acknowledged and saved, and either can be unknown.
 */
export class Progress {
  private readonly meter = new RateMeter(RATE_OVER_TICKS);
  private ticks = 0;
  private measured = 0;
  private operation: Operation | undefined;
  private notice: string | undefined;
  private lastLine = '';
  private cancel: (() => void) | undefined;

  constructor(
    private readonly stream: TextStream,
    private readonly clock: Clock,
  ) {}

  /** Shows an operation. The first call starts the drawing. */
  update(operation: Operation): void {
    this.notice = undefined;
    const isFirst = this.operation === undefined;
    this.operation = operation;
    if (isFirst) this.tick();
    else if (this.stream.isTTY) this.show();
  }

  /** Shows that the connection is lost, until the next update. */
  lost(reason: string): void {
    this.notice = `connection lost (${reason}), retrying`;
    if (this.operation !== undefined && this.stream.isTTY) this.show();
  }

  /** Draws the final state and stops. */
  end(): void {
    this.cancel?.();
    if (this.operation === undefined) return;
    this.show();
    if (this.stream.isTTY) this.stream.write('\n');
  }

  private tick(): void {
    this.cancel = this.clock.after(TICK_MS, () => this.tick());
    this.measure();
    if (this.stream.isTTY || this.ticks % TICKS_PER_LINE === 0) this.show();
    this.ticks += 1;
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
    // A width of 0 means unknown. The last column stays free, because some terminals would wrap there and leave a line at each redraw.
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
