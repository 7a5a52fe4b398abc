import type { Operation } from '../producer/operation.js';
import { count, duration } from './figures.js';
import { printable } from './printable.js';

/** How far an operation is, with what was measured here. */
export interface ProgressView {
  readonly operation: Operation;
  /** Orders saved per second of late; null until two looks could be compared. */
  readonly savedPerSecond: number | null;
  /** What is wrong with the watching itself; it is told first. */
  readonly notice: string | undefined;
}

/** Such as `43,210 saved, 61,234 acked of 100,000, 9,300/s, ETA 0:07`, the dead letters if there are any, and what it waits for. */
export function progressText(view: ProgressView): string {
  const { acked, saved, deadLettered } = view.operation;
  const known = `${count(saved)} saved, ${count(acked)} acked of ${count(view.operation.count)}`;
  // Nothing is measured without a connection: a rate that sinks to 0 would blame the pipeline.
  if (view.notice !== undefined) return printable(`${view.notice}; last seen: ${known}`);
  const facts = [
    known,
    `${count(view.savedPerSecond)}/s`,
    `ETA ${duration(etaSeconds(view))}`,
    ...(deadLettered === 0 ? [] : [`${count(deadLettered)} dead letters`]),
    ...waits(view.operation),
  ];
  return facts.join(', ');
}

/**
 * Such as `[####----......]`: `#` is saved (or dead-lettered), `-` acknowledged by Kafka and not saved yet, `.` still to be made.
 * @param width of all of it, 3 or more
 */
export function progressBar({ count: total, acked, saved, deadLettered }: Operation, width: number): string {
  const inner = width - 2;
  const cells = (part: number | null | undefined): number =>
    total ? Math.min(inner, Math.floor(((part ?? 0) / total) * inner)) : 0;
  const done = cells((saved ?? 0) + (deadLettered ?? 0));
  const made = Math.max(done, cells(acked));
  return `[${'#'.repeat(done)}${'-'.repeat(made - done)}${'.'.repeat(inner - made)}]`;
}

/** Seconds until all is saved at the rate of late. The producer's own estimate speaks of the emitting only. */
function etaSeconds({ operation, savedPerSecond }: ProgressView): number | null {
  const { count: total, acked, saved, status } = operation;
  const end = status === 'running' || status === 'succeeded' ? total : status === 'paused' ? null : acked;
  if (typeof end !== 'number' || typeof saved !== 'number') return null;
  const left = Math.max(0, end - saved - (operation.deadLettered ?? 0));
  if (left === 0) return 0;
  return savedPerSecond ? left / savedPerSecond : null;
}

function waits({ status, interruption, waitingFor }: Operation): string[] {
  return [
    ...(interruption ? [`about to ${interruption}`] : []),
    ...(status === 'running' || status === 'succeeded' ? [] : [status]),
    ...(waitingFor ? [`waits for the ${waitingFor}`] : []),
  ].map((text) => printable(text));
}
