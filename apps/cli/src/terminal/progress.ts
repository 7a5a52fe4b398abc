import { RateMeter, type Clock } from '@orders-pipeline/clock';
import type { Operation } from '#api/producer.js';
import { count, duration, printable, type TextStream } from './output.js';

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

/** The progress of an operation, with the rate that was measured here. */
interface ProgressView {
  readonly operation: Operation;
  /** Orders saved per second over the last seconds; `null` before the second measurement. */
  readonly savedPerSecond: number | null;
  /** A problem of the connection; it is shown first. */
  readonly notice: string | undefined;
}

/** Formats progress such as `43,210 of 100,000 saved, 61,234 sent, 9,300/s, 0:07 left`, plus dead letters and status notes if any. */
export function progressText({ operation, savedPerSecond, notice }: ProgressView): string {
  const known = operation.count === null ? readingText(operation) : savedText(operation, operation.count);
  // Without a connection, no rate is shown: it would fall to 0 although the pipeline may be running.
  if (notice !== undefined) return printable(`${notice}; last seen: ${known}`);
  const left = ordersLeft(operation);
  const isRising = left > 0 && savedPerSecond !== null;
  const facts = [
    known,
    ...(isRising ? [`${count(savedPerSecond)}/s`] : []),
    ...(isRising && savedPerSecond > 0 ? [`${duration(left / savedPerSecond)} left`] : []),
    ...unsavedNotes(operation),
    ...extraLettersNotes(operation),
    ...statusNotes(operation),
  ];
  return printable(facts.join(', '));
}

/**
 * Draws a bar such as `[####----......]`: `#` is saved or dead-lettered, `-` sent but not saved yet, `.` remaining.
 * @param width the total width in characters, 3 or more
 */
export function progressBar(operation: Operation, width: number): string {
  const inner = width - 2;
  const { count: total } = operation;
  const cells = (part: number): number => (total ? Math.min(inner, Math.floor((part / total) * inner)) : 0);
  const [done, sent] = [cells(endedOrders(operation)), cells(sentOrders(operation))];
  return `[${'#'.repeat(done)}${'-'.repeat(sent - done)}${'.'.repeat(inner - sent)}]`;
}

function readingText({ import: counts, state }: Operation): string {
  return counts === null ? state.text : `${state.text}, ${count(counts.rows)} rows so far`;
}

function savedText(operation: Operation, total: number): string {
  const sent = sentOrders(operation);
  const isSent = sent >= total;
  const sending = isSent ? 'all sent' : `${count(sent)} sent`;
  return `${count(operation.saved)} of ${count(total)} saved${isSent && ordersLeft(operation) === 0 ? '' : `, ${sending}`}`;
}

/** The acknowledged orders. The figure of saved orders can be newer, and a saved order was sent. */
function sentOrders(operation: Operation): number {
  return Math.max(operation.acked, endedOrders(operation));
}

/** The orders whose result is known. Of a redrive, `deadLettered` is among the results of its dead letters. */
function endedOrders({ saved, deadLettered, discarded, redrive }: Operation): number {
  const unsaved =
    redrive === null ? (deadLettered ?? 0) + (discarded ?? 0) : redrive.returned + redrive.missing + redrive.unmovable;
  return (saved ?? 0) + unsaved;
}

/** The orders whose result is open; of a paused or ended operation only those that were sent. */
function ordersLeft(operation: Operation): number {
  const { status, acked, count: total } = operation;
  const end = status === 'running' || status === 'succeeded' ? (total ?? acked) : acked;
  return Math.max(0, end - endedOrders(operation));
}

function unsavedNotes({ deadLettered, redrive }: Operation): string[] {
  if (redrive !== null) return redrive.returned > 0 ? [`${count(redrive.returned)} dead-lettered again`] : [];
  return deadLettered ? [`${count(deadLettered)} dead letters`] : [];
}

/** The dead letters that an operation does not count, because they are of records beyond its orders. */
export function extraLettersNotes({ ackedFaults }: Operation): string[] {
  const conflicts = ackedFaults?.conflict ?? 0;
  const letters = conflicts === 1 ? 'dead letter, of a conflict record' : 'dead letters, of conflict records';
  return conflicts === 0 ? [] : [`${count(conflicts)} more ${letters} beyond the orders`];
}

function statusNotes({ status, interruption, waitingFor, savesWaitFor }: Operation): string[] {
  return [
    ...(interruption ? [`about to ${interruption}`] : []),
    ...(status === 'running' || status === 'succeeded' ? [] : [status]),
    ...(waitingFor && !savesWaitFor ? [`waits for the ${waitingFor}`] : []),
    ...(savesWaitFor ? [`waits for ${savesWaitFor}`] : []),
  ];
}
