import { html, type TemplateResult } from 'lit';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { LivePart } from '../live/live-part.js';
import { duration, figure } from '../text/figures.js';
import { consumerRow, namesOf, shownConsumers, type Consumer } from './consumer-rows.js';

type Partition = NonNullable<PipelineResponse['partitions']>[number];

/** Shows the consumers with their partitions, and the partitions with their lag. */
export class PartitionGrid extends LivePart {
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

function consumerTable(consumers: readonly Consumer[], names: ReadonlyMap<string, string>): TemplateResult {
  if (consumers.length === 0) return html`<p class="bad">No consumer runs: nothing is saved.</p>`;
  return html`<div class="scrolls" tabindex="0" role="region" aria-label="Table of consumers">
    <table>
      <thead>
        <tr>
          <th scope="col">Consumer</th>
          <th scope="col">State</th>
          <th scope="col" class="number" title="Orders saved per second, over the last 5 s, as in the total">
            Saved/s
          </th>
          <th scope="col" class="number" title="Orders whose save is in progress, of the limit at this moment">
            In flight
          </th>
          <th scope="col">Partitions</th>
        </tr>
      </thead>
      <tbody>
        ${consumers.map((consumer) => consumerRow(consumer, names.get(consumer.id) ?? consumer.name))}
      </tbody>
    </table>
  </div>`;
}

function partitionTable(partitions: readonly Partition[], names: ReadonlyMap<string, string>): TemplateResult {
  const most = Math.max(1, ...partitions.map(({ lagRecords }) => lagRecords ?? 0));
  return html`<div class="scrolls" tabindex="0" role="region" aria-label="Table of partitions">
    <table>
      <thead>
        <tr>
          <th scope="col" class="number">Partition</th>
          <th scope="col" class="number spare" title="Offset of the next record that is written">End</th>
          <th scope="col" class="number spare" title="All records before this offset are done">Committed</th>
          <th scope="col" class="number" title="End minus committed">Lag</th>
          <th scope="col" class="number" title="Age of the oldest record that is not done">Oldest</th>
          <th scope="col">Consumer</th>
        </tr>
      </thead>
      <tbody>
        ${partitions.map((partition) => partitionRow(partition, names, most))}
      </tbody>
    </table>
  </div>`;
}

function partitionRow(
  { partition, endOffset, committedOffset, lagRecords, lagSeconds, owner }: Partition,
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
