import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { plural } from '../text/figures.js';

type Change = PipelineResponse['changes'][number];
type Crash = NonNullable<Change['crash']>;

export interface CrashNotice {
  /** Whether partitions still have no consumer. */
  readonly isOngoing: boolean;
  readonly text: string;
}

/**
 * Kafka notices a dead consumer after its session timeout of 10 s, and assigns its partitions when all others have joined again. Later,
 * something else is wrong.
 */
const REASSIGNED_WITHIN_SECONDS = 20;
/** How long a crash that is over is shown. */
const SHOWN_SECONDS = 60;

/**
 * Returns the one notice on the consumers that died. It contains no seconds that count: a screen reader would read each of them.
 * @returns `null` when none died in the last minute
 */
export function crashNotice(changes: readonly Change[]): CrashNotice | null {
  const crashes = changes.filter(({ crash }) => crash !== null);
  const ongoing = crashes.filter(({ crash }) => crash?.reassignedAfterSeconds === null);
  if (ongoing.length > 0) return { isOngoing: true, text: ongoingText(ongoing) };
  const last = crashes.at(-1);
  if (last?.crash == null || last.secondsAgo > SHOWN_SECONDS) return null;
  return { isOngoing: false, text: pastText(last.crash) };
}

function ongoingText(crashes: readonly Change[]): string {
  const names = [...new Set(crashes.flatMap(({ crash }) => crash?.consumer ?? []))];
  const who = `${names.join(' and ')} died; ${names.length === 1 ? 'its' : 'their'} partitions`;
  const isLate = crashes.some(({ secondsAgo }) => secondsAgo > REASSIGNED_WITHIN_SECONDS);
  return isLate
    ? `${who} still have no consumer. Start a consumer, or see the log of the one that died.`
    : `${who} are being reassigned, within about 15 s. Other consumers may wait until then; no order is lost.`;
}

function pastText({ consumer, partitions, reassignedAfterSeconds, hasReturned }: Crash): string {
  if (hasReturned) return `${consumer} sent no heartbeats for some seconds, and works again.`;
  if (partitions === 0) return `${consumer} died; it had no partitions.`;
  const what = partitions === 1 ? 'its partition was' : `its ${plural(partitions, 'partition')} were`;
  return `${consumer} died; ${what} reassigned after ${reassignedAfterSeconds} s. Orders that it had not finished are saved now.`;
}
