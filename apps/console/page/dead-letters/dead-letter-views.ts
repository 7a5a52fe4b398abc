import { html, nothing, type TemplateResult } from 'lit';
import { hashOf } from '../routing/address.js';
import { figure, moment, plural } from '../text/figures.js';
import { lastFailedAt, type DeadLetterGroup, type DeadLetterItem, type Selection } from './dead-letter.js';
import { LETTER_EVENTS } from './letter-events.js';
import { repairOf } from './repair.js';

/** Shows a group of dead letters, with the buttons that act on all of it. */
export function groupView(
  { errorCode, count, redriven, lastAt, example }: DeadLetterGroup,
  operationId: string | null,
  isOpen: boolean,
  toggle: () => void,
): TemplateResult {
  const selection = { errorCode, ...(operationId !== null && { operationId }) };
  return html`<div class="group">
    <h3>${errorCode}</h3>
    <p class="muted">Example: ${example.message}. ${repairOf(errorCode)}</p>
    <p>
      <b>${figure(count)}</b> pending${redriven > 0 ? `, ${figure(redriven)} of them redriven before` : nothing}, last
      failure ${moment(lastAt)}
    </p>
    <div class="actions">
      <button aria-expanded=${isOpen} @click=${toggle}>${isOpen ? 'Hide letters' : 'Show letters'}</button>
      ${actionButtons(selection, `all of ${errorCode}`)}
    </div>
  </div>`;
}

/** Shows a dead letter in the list. */
export function letterView(letter: DeadLetterItem): TemplateResult {
  const { id, operationId, redrives } = letter;
  return html`<li class="group">
    <p>
      <a href=${hashOf({ view: 'letter', id })} aria-label="Show record of ${id}"><code>${id}</code></a>
    </p>
    <p class="muted">
      ${placeOf(letter)}${operationId === null ? 'no operation' : html`<a href=${hashOf({ view: 'operation', id: operationId })}><code>${operationId}</code></a>`}
    </p>
    <p class="muted">
      ${moment(lastFailedAt(letter))}${redrives > 0 ? `, redriven ${plural(redrives, 'time')}` : nothing}
    </p>
    <div class="actions">${actionButtons({ id }, id)}</div>
  </li>`;
}

/** Names the order of a letter by its number, or by its place while the number is unknown. */
function placeOf({ index, number }: DeadLetterItem): string {
  if (number !== null) return `order number ${figure(number)} of `;
  return index === null ? '' : `record ${figure(index + 1)} of `;
}

function actionButtons(selection: Selection, name: string): TemplateResult {
  const request = (event: string) => (click: Event) =>
    click.target?.dispatchEvent(new CustomEvent(event, { detail: selection, bubbles: true }));
  return html`<button aria-label="Redrive… ${name}" @click=${request(LETTER_EVENTS.redrive)}>Redrive…</button>
    <button aria-label="Discard… ${name}" @click=${request(LETTER_EVENTS.discard)}>Discard…</button>`;
}
