import { html, nothing, type TemplateResult } from 'lit';
import { hashOf } from '../routing/address.js';
import { duration, figure, moment, percent, plural } from '../text/figures.js';
import { orderName } from '../text/order-name.js';
import { sendingSeconds, timeWord, type Operation } from './operation.js';

/**
 * Shows what was requested, how long it took and what became of it.
 * @param letters pending dead letters that carry the id of the operation; `null`: unknown
 */
export function operationFacts(operation: Operation, letters: number | null): TemplateResult {
  const { requestedAt, seed, requestedRatePerSecond, ratePerSecond, faults } = operation;
  const facts: readonly (readonly [string, unknown])[] = [
    ['requested', moment(requestedAt)],
    [timeWord(operation), timeText(operation)],
    [
      'sent per second',
      ratePerSecond === null
        ? null
        : `${figure(ratePerSecond)} on average, pauses included${rateLimitText(requestedRatePerSecond)}`,
    ],
    ['order numbers', numbersView(operation)],
    ['seed', seed],
    ['faulty on purpose', faults === null ? null : faultsText(faults)],
    ['letters', redriveView(operation)],
    ['dead letters', lettersView(operation, letters)],
    ['to verify it', html`<code>npm run reconcile -- ${operation.id}</code>`],
  ];
  return html`<dl class="facts">
      ${facts.map(([name, value]) =>
        value === null
          ? nothing
          : html`<dt>${name}</dt>
              <dd>${value}</dd>`,
      )}
    </dl>
    ${errorsView(operation)}`;
}

function timeText(operation: Operation): string {
  const seconds = sendingSeconds(operation, Date.now());
  if (seconds === null) return 'not started yet';
  return operation.finishedAt === null ? `${duration(seconds)} so far` : duration(seconds);
}

function rateLimitText(requested: number | null): string {
  return requested === null ? '' : ` (requested: ${figure(requested)})`;
}

function numbersView({ firstNumber, count }: Operation): TemplateResult | null {
  if (firstNumber === null || !count) return null;
  const [from, to] = [firstNumber, firstNumber + count - 1];
  const find = from === to ? `${from}` : `${from}..${to}`;
  return html`<a href=${hashOf({ view: 'search', find, page: null })}>${figure(from)} to ${figure(to)}</a>`;
}

function faultsText(faults: NonNullable<Operation['faults']>): string {
  const given = Object.entries(faults).filter(([, share]: [string, number]) => share > 0);
  return given.map(([name, share]: [string, number]) => `${percent(share)} ${name}`).join(', ');
}

function redriveView({ redrive }: Operation): string | null {
  if (redrive === null) return null;
  const { id, errorCode, operationId } = redrive.filter;
  if (id !== undefined) return id;
  const filters = [
    errorCode === undefined ? [] : [`error ${errorCode}`],
    operationId === undefined ? [] : [`operation ${operationId}`],
  ].flat();
  return filters.length === 0 ? 'all that were pending' : `all with ${filters.join(' and ')}`;
}

/** The list counts records, an operation counts orders: an extra record costs no order. */
function lettersView({ id, kind, deadLettered }: Operation, letters: number | null): TemplateResult | null {
  if (kind === 'redrive' || letters === null || letters === 0) return null;
  const orders = deadLettered ?? 0;
  const extra = letters - orders;
  return html`<a href=${hashOf({ view: 'letters', errorCode: null, operationId: id })}
      >${plural(letters, 'pending dead letter')}</a
    >${extra > 0 ? `: ${plural(orders, 'order')}, and ${plural(extra, 'extra record')} (conflicts or repeats), which the operation does not count` : nothing}`;
}

function errorsView({ firstErrors, firstNumber, kind }: Operation): TemplateResult | typeof nothing {
  if (firstErrors === null || firstErrors.length === 0) return nothing;
  const of = kind === 'redrive' ? ' of its operation' : '';
  return html`<h4>First errors</h4>
    <ul class="plain">
      ${firstErrors.map(
        ({ index, code, message }) =>
          html`<li>
            ${index === null ? nothing : `${orderName(index, firstNumber)}${of}: `}<b>${code}</b>,
            <span>${message}</span>
          </li>`,
      )}
    </ul>`;
}
