import { html, type TemplateResult } from 'lit';
import { duration, figure, UNKNOWN } from '../text/figures.js';
import { LivePart } from './live-part.js';

interface Tile {
  readonly name: string;
  readonly value: string;
  readonly unit: string;
  readonly hint: string;
}

/** What a glance should tell. */
export class FigureTiles extends LivePart {
  protected override render(): TemplateResult {
    return html`<dl class="tiles">${this.tiles().map((tile) => tileView(tile))}</dl>`;
  }

  private tiles(): Tile[] {
    const now = this.live.latest;
    return [
      {
        name: 'Produced',
        value: figure(now?.producedPerSecond),
        unit: '/s',
        hint: 'Records that Kafka took, over five seconds',
      },
      {
        name: 'Saved',
        value: figure(now?.savedPerSecond),
        unit: '/s',
        hint: 'Orders durable in MongoDB, over five seconds',
      },
      {
        name: 'In flight',
        value: figure(now?.inFlight),
        unit: 'orders',
        hint: 'Orders that wait in the slow save now',
      },
      {
        name: 'Lag',
        value: figure(now?.lagRecords),
        unit: 'records',
        hint: 'Records in Kafka that no consumer has finished',
      },
      {
        name: 'Oldest waits',
        value: duration(now?.lagSeconds),
        unit: '',
        hint: 'Age of the oldest record that is not finished',
      },
      {
        name: 'Time to drain',
        value: duration(now?.secondsToDrain),
        unit: '',
        hint: 'Until nothing is left, at the rate of now',
      },
      {
        name: 'Dead letters',
        value: figure(now?.deadLetters),
        unit: 'waiting',
        hint: 'Records that could not be saved',
      },
    ];
  }
}

function tileView({ name, value, unit, hint }: Tile): TemplateResult {
  const isUnknown = value === UNKNOWN;
  return html`<div class="tile" title=${hint}>
    <dt>${name}</dt>
    <dd>
      ${isUnknown ? html`<span class="unknown" aria-label="unknown">${UNKNOWN}</span>` : html`<b>${value}</b>`}
      ${unit === '' || isUnknown ? '' : html`<small>${unit}</small>`}
    </dd>
  </div>`;
}
