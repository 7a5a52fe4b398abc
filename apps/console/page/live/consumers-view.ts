import { html, nothing, type TemplateResult } from 'lit';
import { isAlive, type ConsumerState } from '../../src/pipeline/consumer-state.js';
import type { ReportedChange, ReportedConsumer, ReportedPartition } from '../../src/pipeline/pipeline-response.js';
import { figure, duration, plural } from '../figures.js';
import { tableView } from '../table-view.js';
import { LiveElement } from '../page-element.js';
import { hashOf } from '../routing.js';
import { isStalled } from './oldest-record.js';

/** States that are part of normal operation are not marked as errors. */
const STATES: Readonly<Record<ConsumerState, readonly [text: string, style: string]>> = {
  ready: ['ready', 'good'],
  idle: ['idle: no partition assigned', 'warn'],
  starting: ['starting', 'muted'],
  draining: ['draining', 'muted'],
  rebalancing: ['waiting for partitions', 'muted'],
  waiting: ['waiting', 'bad'],
  late: ['heartbeat late', 'warn'],
  silent: ['no heartbeat', 'warn'],
  dead: ['died', 'bad'],
};

/** Returns the consumers that are shown: a dead one is announced by the banner. */
export function shownConsumers(consumers: readonly ReportedConsumer[]): ReportedConsumer[] {
  return consumers.filter(({ state }) => state !== 'dead');
}

/** Returns a name for each consumer by id. Consumers with the same name get a part of their id. */
export function namesOf(consumers: readonly ReportedConsumer[]): ReadonlyMap<string, string> {
  const shared = new Set(consumers.map(({ name }) => name).filter((name, index, all) => all.indexOf(name) !== index));
  return new Map(consumers.map(({ id, name }) => [id, shared.has(name) ? `${name} (${id.slice(0, 4)})` : name]));
}

function consumerRow(consumer: ReportedConsumer, name: string): TemplateResult {
  const { ratePerSecond, inFlight, inFlightLimit, inFlightSet, partitions } = consumer;
  return html`<tr>
    <th scope="row" class="consumer">${name}</th>
    <td>${stateView(consumer)}</td>
    <td class="number">${figure(ratePerSecond)}</td>
    <td class="number">
      ${figure(inFlight)} <small>of ${figure(inFlightLimit)}${inFlightSet === 'auto' ? ' (auto)' : ''}</small>
    </td>
    <td class="owned">${isAlive(consumer) ? partitions?.join(' ') || 'none' : ''}</td>
  </tr>`;
}

function stateView({ state, notReadyBecause }: ReportedConsumer): TemplateResult {
  const [text, style] = STATES[state];
  return html`<span class=${style}>${state === 'waiting' ? `${text}: ${notReadyBecause}` : text}</span>`;
}

/** Shows the consumers with their partitions, and the partitions with their lag. */
export class PartitionGrid extends LiveElement {
  protected override render(): TemplateResult {
    const { latest, state } = this.live;
    if (!latest)
      return html`<p class="unknown">
        ${state === 'connecting' ? 'Connecting to the console.' : 'Unknown: the console is not connected.'}
      </p>`;
    const { partitions } = latest;
    const consumers = latest.consumers && shownConsumers(latest.consumers);
    const names = namesOf(consumers ?? []);
    return html`<div class="assignment">
      ${
        consumers === null
          ? html`<p class="unknown">Consumers unknown: MongoDB is unavailable.</p>`
          : consumerTable(consumers, names)
      }
      ${
        partitions === null
          ? html`<p class="unknown">Partitions unknown: Kafka is unavailable.</p>`
          : partitionTable(partitions, names)
      }
    </div>`;
  }
}

function consumerTable(consumers: readonly ReportedConsumer[], names: ReadonlyMap<string, string>): TemplateResult {
  if (consumers.length === 0) return html`<p class="bad">No consumer runs: nothing is saved.</p>`;
  return tableView(
    'Table of consumers',
    [
      'Consumer',
      'State',
      { text: 'Saved/s', style: 'number', title: 'Orders saved per second, over the last 5 s, as in the total' },
      { text: 'In flight', style: 'number', title: 'Orders whose save is in progress, of the limit at this moment' },
      'Partitions',
    ],
    consumers.map((consumer) => consumerRow(consumer, names.get(consumer.id) ?? consumer.name)),
  );
}

function partitionTable(partitions: readonly ReportedPartition[], names: ReadonlyMap<string, string>): TemplateResult {
  const most = Math.max(1, ...partitions.map(({ lagRecords }) => lagRecords ?? 0));
  return tableView(
    'Table of partitions',
    [
      { text: 'Partition', style: 'number' },
      { text: 'End', style: 'number spare', title: 'Offset of the next record that is written' },
      { text: 'Committed', style: 'number spare', title: 'All records before this offset are done' },
      { text: 'Lag', style: 'number', title: 'End minus committed' },
      {
        text: 'Oldest',
        style: 'number',
        title: 'Age of the oldest record that is not done. Stalled: its consumer has had it for more than a minute',
      },
      'Consumer',
    ],
    partitions.map((partition) => partitionRow(partition, names, most)),
  );
}

function partitionRow(
  { partition, endOffset, committedOffset, lagRecords, lagSeconds, oldest, owner }: ReportedPartition,
  names: ReadonlyMap<string, string>,
  most: number,
): TemplateResult {
  const share = Math.round((100 * (lagRecords ?? 0)) / most);
  const name = owner === null ? undefined : names.get(owner);
  return html`<tr>
    <th scope="row" class="number">${partition}</th>
    <td class="number spare">${figure(endOffset)}</td>
    <td class="number spare">${figure(committedOffset)}</td>
    <td class="number lag" style="--share: ${share}%">${figure(lagRecords)}</td>
    <td class="number">${oldestView({ partition, lagSeconds, oldest })}</td>
    <td class="owner">${name ?? html`<span class="muted">none</span>`}</td>
  </tr>`;
}

/** A record that waits in its fetch buffer has an age, and nothing else is known of it. */
function oldestView({
  partition,
  lagSeconds,
  oldest,
}: Pick<ReportedPartition, 'partition' | 'lagSeconds' | 'oldest'>): TemplateResult | string {
  const age = duration(lagSeconds);
  if (oldest === null) return age;
  const link = html`<a
    href=${hashOf({ view: 'partition', partition })}
    aria-label="Oldest record of partition ${partition}: ${age}"
    >${age}</a
  >`;
  return isStalled({ oldest }) ? html`<small class="warn">stalled</small> ${link}` : link;
}

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
    'mass failure',
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
