import { html, type TemplateResult } from 'lit';
import { isAlive, type ConsumerState } from '../../src/consumers/consumer-state.js';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { figure } from '../text/figures.js';

export type Consumer = NonNullable<PipelineResponse['consumers']>[number];

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
export function shownConsumers(consumers: readonly Consumer[]): Consumer[] {
  return consumers.filter(({ state }) => state !== 'dead');
}

/** Returns a name for each consumer by id. Consumers with the same name get a part of their id. */
export function namesOf(consumers: readonly Consumer[]): ReadonlyMap<string, string> {
  const shared = new Set(consumers.map(({ name }) => name).filter((name, index, all) => all.indexOf(name) !== index));
  return new Map(consumers.map(({ id, name }) => [id, shared.has(name) ? `${name} (${id.slice(0, 4)})` : name]));
}

export function consumerRow(consumer: Consumer, name: string): TemplateResult {
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

function stateView({ state, notReadyBecause }: Consumer): TemplateResult {
  const [text, style] = STATES[state];
  return html`<span class=${style}>${state === 'waiting' ? `${text}: ${notReadyBecause}` : text}</span>`;
}
