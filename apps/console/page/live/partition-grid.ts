import { html, type TemplateResult } from 'lit';
import { isAlive, type ConsumerState } from '../../src/pipeline/consumer-state.js';
import type { ReportedConsumer, ReportedPartition } from '../../src/pipeline/pipeline-response.js';
import { figure, duration } from '../figures.js';
import { tableView } from '../table-view.js';
import { LiveElement } from '../page-element.js';

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
      { text: 'Oldest', style: 'number', title: 'Age of the oldest record that is not done' },
      'Consumer',
    ],
    partitions.map((partition) => partitionRow(partition, names, most)),
  );
}

function partitionRow(
  { partition, endOffset, committedOffset, lagRecords, lagSeconds, owner }: ReportedPartition,
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
    <td class="number">${duration(lagSeconds)}</td>
    <td class="owner">${name ?? html`<span class="muted">none</span>`}</td>
  </tr>`;
}
