import type { Operation } from '#api/producer.js';
import { count, duration } from './figures.js';
import { printable } from './printable.js';

/** The progress of an operation, with the rate that was measured here. */
export interface ProgressView {
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

/** The orders whose result is known. Of a redrive, `deadLettered` is among the results of its letters. */
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
