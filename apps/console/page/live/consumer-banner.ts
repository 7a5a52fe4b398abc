import { html, nothing, type TemplateResult } from 'lit';
import type { ReportedChange, ReportedConsumer } from '../../src/pipeline/pipeline-response.js';
import { plural } from '../figures.js';
import { LiveElement } from '../page-element.js';

type Crash = NonNullable<ReportedChange['crash']>;

interface CrashNotice {
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
export function crashNotice(changes: readonly ReportedChange[]): CrashNotice | null {
  const crashes = changes.filter(({ crash }) => crash !== null);
  const ongoing = crashes.filter(({ crash }) => crash?.reassignedAfterSeconds === null);
  if (ongoing.length > 0) return { isOngoing: true, text: ongoingText(ongoing) };
  const last = crashes.at(-1);
  if (last?.crash == null || last.secondsAgo > SHOWN_SECONDS) return null;
  return { isOngoing: false, text: pastText(last.crash) };
}

function ongoingText(crashes: readonly ReportedChange[]): string {
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

/** What to do, by a part of the reason that a consumer gives. */
const CURES: readonly (readonly [reason: string, cure: string])[] = [
  [
    'nearly all records are poison',
    'Read a dead letter to see why. One record is tried every few seconds, and the first that is saved ends the wait. If the records are wrong and not the consumer, restart with POISON_SHARE=1: all of them become dead letters.',
  ],
  ['a dependency of the handler is unavailable', 'They go on once MongoDB answers.'],
];

/** @returns which consumers can not work, why and what to do; `null` when all can */
export function waitingNotice(consumers: readonly ReportedConsumer[]): string | null {
  const waiting = consumers.filter(({ state }) => state === 'waiting');
  if (waiting.length === 0) return null;
  const reasons = waiting.map(({ name, notReadyBecause }) => `${name} saves nothing: ${notReadyBecause}.`);
  const cures = CURES.filter(([reason]) => reasons.some((text) => text.includes(reason))).map(([, cure]) => cure);
  return [...reasons, `${waiting.length === 1 ? 'Its' : 'Their'} orders wait; none is lost.`, ...cures].join(' ');
}

/** Shows that a consumer died or can not work, once for the whole page. */
export class ConsumerBanner extends LiveElement {
  protected override render(): TemplateResult {
    const { changes = [], consumers = null } = this.live.latest ?? {};
    const crash = crashNotice(changes);
    const waiting = waitingNotice(consumers ?? []);
    return html`${crash === null ? nothing : banner(crash.text, crash.isOngoing)}
    ${waiting === null ? nothing : banner(waiting, true)}`;
  }
}

function banner(text: string, isBad: boolean): TemplateResult {
  return isBad
    ? html`<p class="banner bad" role="alert">${text}</p>`
    : html`<p class="banner" role="status">${text}</p>`;
}
