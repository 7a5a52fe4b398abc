import { html, nothing, type TemplateResult } from 'lit';
import type { PipelineResponse } from '../../src/pipeline/pipeline-response.js';
import type { Points } from '../../src/history/figure-history.js';
import { figure, plural } from '../text/figures.js';
import { timeText } from './time-axis.js';

/** Returns the legend with the values of now. */
export function currentLegend(latest: PipelineResponse | null): TemplateResult {
  return html`<p class="legend">
    ${key('produced', latest?.producedPerSecond)} ${key('saved', latest?.savedPerSecond)}
    <span class="muted">times are UTC</span>
  </p>`;
}

/** Returns the legend with the values at one point. */
export function legendAt({ at, values }: Points, index: number): TemplateResult {
  const { produced, saved, lag, inFlight, consumers } = values;
  const count = consumers[index] ?? null;
  return html`<p class="legend">
    <span class="muted">${timeText(at[index] ?? 0)} UTC</span>
    ${key('produced', produced[index])} ${key('saved', saved[index])}
    ${
      count === null
        ? html`<span class="muted">not recorded</span>`
        : html`<span class="muted"
            >${figure(lag[index])} lag, ${figure(inFlight[index])} in flight,
            ${plural(Math.round(count), 'consumer')}</span
          >`
    }
  </p>`;
}

/** An unknown value is left out: a dash would read as a value. */
function key(name: 'produced' | 'saved', value: number | null | undefined): TemplateResult {
  return html`<span class="key ${name}"
    >${name}${value === null || value === undefined ? nothing : html` <b>${figure(value)}/s</b>`}</span
  >`;
}
