import { html, nothing, type TemplateResult } from 'lit';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import { LivePart } from '../live/live-part.js';
import { duration, figure } from '../text/figures.js';
import { isIdle } from './idle-consumer.js';

type Consumer = NonNullable<PipelineResponse['consumers']>[number];
type Partition = NonNullable<PipelineResponse['partitions']>[number];

/** Shows which consumer owns each partition, and the lag of each partition. */
export class PartitionGrid extends LivePart {
  protected override render(): TemplateResult {
    const { latest } = this.live;
    if (!latest) return html`<p class="unknown">Unknown: the console is not connected.</p>`;
    const { partitions, consumers } = latest;
    if (partitions === null) return html`<p class="unknown">Unknown: Kafka is unavailable.</p>`;
    const most = Math.max(1, ...partitions.map(({ lagRecords }) => lagRecords ?? 0));
    return html`<div class="scrolls" tabindex="0" role="region" aria-label="Table of partitions">
      <table class="grid">
        <thead>
          <tr>
            <th scope="col" class="number">Partition</th>
            <th scope="col" class="number">End</th>
            <th scope="col" class="number">Committed</th>
            <th scope="col" class="number">Lag</th>
            <th scope="col" class="number">Oldest</th>
            ${
              consumers === null
                ? html`<th scope="col" class="unknown">consumers unknown: MongoDB is unavailable</th>`
                : consumers.map((consumer) => consumerHead(consumer))
            }
          </tr>
        </thead>
        <tbody>
          ${partitions.map((partition) => partitionRow(partition, consumers ?? [], most))}
        </tbody>
      </table>
    </div>`;
  }
}

function consumerHead(consumer: Consumer): TemplateResult {
  const { name, inFlight, inFlightLimit, inFlightSet, ratePerSecond, notReadyBecause } = consumer;
  return html`<th scope="col" class="consumer">
    ${name}
    <small>
      ${notReadyBecause === null ? nothing : html`<span class="bad">${notReadyBecause}</span><br />`}
      ${isIdle(consumer) ? html`<span class="warn">idle: no partition assigned</span>` : html`${figure(ratePerSecond)}/s`}<br />
      ${figure(inFlight)} of ${figure(inFlightLimit)}${inFlightSet === 'auto' ? ' (auto)' : ''} in flight
    </small>
  </th>`;
}

function partitionRow(
  { partition, endOffset, committedOffset, lagRecords, lagSeconds, owner }: Partition,
  consumers: readonly Consumer[],
  most: number,
): TemplateResult {
  const share = Math.round((100 * (lagRecords ?? 0)) / most);
  return html`<tr>
    <th scope="row" class="number">${partition}</th>
    <td class="number">${figure(endOffset)}</td>
    <td class="number">${figure(committedOffset)}</td>
    <td class="number lag" style="--share: ${share}%">${figure(lagRecords)}</td>
    <td class="number">${duration(lagSeconds)}</td>
    ${consumers.map(({ id, name }) =>
      id === owner
        ? html`<td class="owner"><span aria-label="owned by ${name}">●</span></td>`
        : html`<td class="free" aria-hidden="true"></td>`,
    )}
  </tr>`;
}
