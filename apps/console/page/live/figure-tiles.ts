import { html, type TemplateResult } from 'lit';
import { duration, figure, UNKNOWN } from '../figures.js';
import { LiveElement } from '../page-element.js';
import { hashOf, type Address } from '../routing.js';
import { oldestRecordOf } from './oldest-record.js';

interface Tile {
  readonly name: string;
  readonly value: string;
  readonly unit: string;
  readonly hint: string;
  /** The address of what the figure is about. */
  readonly leadsTo?: Address | undefined;
}

/** Shows the key figures of the pipeline. */
export class FigureTiles extends LiveElement {
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
        hint: 'Records written to Kafka per second: growth of the end offsets over the last 5 s, divided by 5',
      },
      {
        name: 'Saved',
        value: figure(now?.savedPerSecond),
        unit: '/s',
        hint: 'Orders durably saved in MongoDB per second: those saved in the last 5 s, divided by 5. The sum of the consumers below.',
      },
      {
        name: 'In flight',
        value: figure(now?.inFlight),
        unit: 'orders',
        hint: 'Orders whose save is in progress, summed over all consumers',
      },
      {
        name: 'Lag',
        value: figure(now?.lagRecords),
        unit: 'records',
        hint: 'Consumer lag: end offset minus committed offset, summed over all partitions',
      },
      {
        name: 'Oldest record',
        value: duration(now?.lagSeconds),
        unit: '',
        hint: 'Lag in time: age of the oldest record that is not completed',
        leadsTo: oldestRecordOf(now?.partitions ?? []),
      },
      {
        name: 'Time to drain',
        value: duration(now?.secondsToDrain),
        unit: '',
        hint: 'Lag divided by saved per second. Unknown while nothing is saved, and for some seconds after consumers rebalance or die.',
      },
      {
        name: 'Dead letters',
        value: figure(now?.deadLetters),
        unit: 'pending',
        hint: 'Records that could not be saved and are still pending',
        leadsTo: { view: 'section', section: 'letters' },
      },
    ];
  }
}

function tileView({ name, value, unit, hint, leadsTo }: Tile): TemplateResult {
  const isUnknown = value === UNKNOWN;
  const shown = html`<b>${value}</b>`;
  const link = leadsTo && html`<a href=${hashOf(leadsTo)} aria-label="${name}: ${value}">${shown}</a>`;
  return html`<div class="tile" title=${hint}>
    <dt>${name}</dt>
    <dd>
      ${isUnknown ? html`<span class="unknown" aria-label="unknown">${UNKNOWN}</span>` : (link ?? shown)}
      ${unit === '' || isUnknown ? '' : html`<small>${unit}</small>`}
    </dd>
  </div>`;
}
