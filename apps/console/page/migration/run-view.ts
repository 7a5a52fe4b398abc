import { html, nothing, type TemplateResult } from 'lit';
import { hashOf } from '../routing/address.js';
import { figure, moment, plural } from '../text/figures.js';
import type { Backfill, Verification } from './facade-api.js';
import { backfillState, donePercent, verifyState, type RunState } from './run-state.js';

/** Shows the last backfill: its progress, and what became of it. */
export function backfillView(run: Backfill): TemplateResult {
  const { translated, untranslated, operationIds } = run;
  return html`${runView(run, backfillState(run), 'Translated')}
    <p>
      ${plural(translated, 'order')} translated, ${figure(untranslated)} without an exact
      translation.${operationIds.length === 0 ? nothing : ' Imports, which go on by themselves:'}
    </p>
    <ul class="plain">
      ${operationIds.map(
        (id) =>
          html`<li>
            <a href=${hashOf({ view: 'operation', id })}><code>${id}</code></a>
          </li>`,
      )}
    </ul>
    ${
      untranslated === 0
        ? nothing
        : html`<p class="warn">Repair these orders in the legacy system, and start the backfill again.</p>`
    }`;
}

/** Shows the last verify: its progress, and what it has found. */
export function verifyView(run: Verification): TemplateResult {
  const { orders, byKind, openIntervals, result } = run;
  const found = Object.entries(byKind).filter(([, count]) => count > 0);
  return html`${runView(run, verifyState(run), 'Compared')}
    <p>
      ${plural(orders.legacy, 'order')} in the legacy system, ${figure(orders.new)} on the new
      side.${found.length === 0 ? nothing : ` ${found.map(([kind, count]) => `${figure(count)} ${kind}`).join(', ')}.`}
    </p>
    ${
      openIntervals === 0
        ? nothing
        : html`<p class="warn">
            ${plural(openIntervals, 'interval')} of 1,000 numbers
            ${result === 'open' ? 'had writes that stayed open: start the verify again.' : 'wait for open writes.'}
          </p>`
    }`;
}

function runView(run: Verification | Backfill, { text, tone }: RunState, verb: string): TemplateResult {
  const { done, upTo, problem, startedBy, startedAt, endedAt, status } = run;
  const share = donePercent(run);
  return html`<p class="row">
      <span class="status ${tone}">${text}</span>
      <span class="muted"
        >by ${startedBy}, ${moment(startedAt)}${endedAt === null ? nothing : ` to ${moment(endedAt)}`}</span
      >
    </p>
    <div
      class="progress"
      role="progressbar"
      aria-label=${verb}
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow=${share}
    >
      <i class="saved" style="width: ${share}%"></i>
    </div>
    <p class="muted">${verb} up to number ${figure(done)} of ${figure(upTo)}.</p>
    ${problem === null || status !== 'running' ? nothing : html`<p class="warn">Waiting: ${problem}. It is retried.</p>`}`;
}
