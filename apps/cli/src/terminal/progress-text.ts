import type { Operation } from '../producer/operation.js';
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

/** Formats progress such as `43,210 saved, 61,234 acked of 100,000, 9,300/s, ETA 0:07`, plus dead letters and status notes if any. */
export function progressText(view: ProgressView): string {
  const { acked, saved, deadLettered } = view.operation;
  const known = `${count(saved)} saved, ${count(acked)} acked of ${count(view.operation.count)}`;
  // Without a connection, no rate is shown: it would fall to 0 although the pipeline may be running.
  if (view.notice !== undefined) return printable(`${view.notice}; last seen: ${known}`);
  const facts = [
    known,
    `${count(view.savedPerSecond)}/s`,
    `ETA ${duration(etaSeconds(view))}`,
    ...(deadLettered === 0 ? [] : [`${count(deadLettered)} dead letters`]),
    ...statusNotes(view.operation),
  ];
  return facts.join(', ');
}

/**
 * Draws a bar such as `[####----......]`: `#` is saved or dead-lettered, `-` acknowledged by Kafka but not saved yet, `.` remaining.
 * @param width the total width in characters, 3 or more
 */
export function progressBar({ count: total, acked, saved, deadLettered }: Operation, width: number): string {
  const inner = width - 2;
  const cells = (part: number | null | undefined): number =>
    total ? Math.min(inner, Math.floor(((part ?? 0) / total) * inner)) : 0;
  const done = cells((saved ?? 0) + (deadLettered ?? 0));
  const sent = Math.max(done, cells(acked));
  return `[${'#'.repeat(done)}${'-'.repeat(sent - done)}${'.'.repeat(inner - sent)}]`;
}

/** Estimates the seconds until all orders are saved, at the measured rate. The producer's own estimate covers only the emission. */
function etaSeconds({ operation, savedPerSecond }: ProgressView): number | null {
  const { count: total, acked, saved, status } = operation;
  const end = status === 'running' || status === 'succeeded' ? total : status === 'paused' ? null : acked;
  if (typeof end !== 'number' || typeof saved !== 'number') return null;
  const left = Math.max(0, end - saved - (operation.deadLettered ?? 0));
  if (left === 0) return 0;
  return savedPerSecond ? left / savedPerSecond : null;
}

function statusNotes({ status, interruption, waitingFor }: Operation): string[] {
  return [
    ...(interruption ? [`about to ${interruption}`] : []),
    ...(status === 'running' || status === 'succeeded' ? [] : [status]),
    ...(waitingFor ? [`waits for the ${waitingFor}`] : []),
  ].map((text) => printable(text));
}
