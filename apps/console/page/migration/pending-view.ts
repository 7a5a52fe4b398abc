import { html, nothing, type TemplateResult } from 'lit';
import { duration, figure, plural } from '../text/figures.js';
import type { PendingIntent, PendingIntents } from './facade-api.js';

const SHOWN = 20;

/** Lists the oldest open write intents. @param pending `null`: unknown */
export function pendingView(pending: PendingIntents | null): TemplateResult {
  if (pending === null) return html`<p class="unknown">Unknown.</p>`;
  const { count, items } = pending;
  if (count === 0) return html`<p class="muted">None: every admitted write is on both sides.</p>`;
  const more = count - Math.min(items.length, SHOWN);
  return html`<div class="scrolls" tabindex="0" role="region" aria-label="Table of pending intents">
      <table>
        <thead>
          <tr>
            <th scope="col" class="number">Age</th>
            <th scope="col" class="number">Number</th>
            <th scope="col">Account</th>
            <th scope="col" title="open, stored, or none: it does not get the order, or has refused it">
              Legacy system
            </th>
            <th
              scope="col"
              title="open, sent: Kafka has it, readable: reads return it, or none: it does not get the order, or has refused it"
            >
              New side
            </th>
            <th scope="col" class="number" title="Attempts without an outcome">Attempts</th>
            <th scope="col">Reason</th>
          </tr>
        </thead>
        <tbody>
          ${items.slice(0, SHOWN).map((intent) => intentRow(intent))}
        </tbody>
      </table>
    </div>
    ${more > 0 ? html`<p class="muted">${plural(more, 'more intent')}, all of them younger.</p>` : nothing}`;
}

function intentRow(intent: PendingIntent): TemplateResult {
  const { id, ageMs, number, accountId, answering, attempts, reason } = intent;
  const answers = (side: PendingIntent['answering']) => (side === answering ? ', answers' : '');
  return html`<tr title="Order ${id}">
    <td class="number when">${duration(ageMs / 1_000)}</td>
    <th scope="row" class="number">${figure(number)}</th>
    <td>${accountId}</td>
    <td>${intent.legacy}${answers('legacy')}</td>
    <td>${intent.new}${answers('new')}</td>
    <td class="number">${figure(attempts)}</td>
    <td class="sentence">${reason ?? 'in progress'}</td>
  </tr>`;
}
