import { html, nothing, type TemplateResult } from 'lit';
import { hashOf } from '../routing/address.js';
import { amount, figure, moment } from '../text/figures.js';
import type { Order, OrderTrace } from './order.js';

const COLUMNS = ['Number', 'Account', 'Side', 'Symbol', 'Quantity', 'Price', 'Amount', 'Created'];
const NUMBERS = new Set(['Number', 'Quantity', 'Price', 'Amount']);

/** Shows orders as a table, on a phone as a list, with the trace of one of them. @param toggle opens or closes the trace of an order */
export function ordersTable(
  orders: readonly Order[],
  trace: OrderTrace | null,
  toggle: (id: string) => void,
): TemplateResult {
  return html`<div class="scrolls" tabindex="0" role="region" aria-label="Found orders">
    <table class="orders">
      <thead>
        <tr>
          ${COLUMNS.map((name) => html`<th scope="col" class=${NUMBERS.has(name) ? 'number' : nothing}>${name}</th>`)}
          <th scope="col"><span class="hidden">Trace</span></th>
        </tr>
      </thead>
      <tbody>
        ${orders.map((order) => orderRows(order, trace, toggle))}
      </tbody>
    </table>
  </div>`;
}

function orderRows(order: Order, trace: OrderTrace | null, toggle: (id: string) => void): TemplateResult {
  const { id, number, accountId, side, symbol, quantity, price, amount: total, currency, createdAt } = order;
  const isOpen = trace?.id === id;
  return html`<tr>
      <th scope="row" class="number">
        <a href=${hashOf({ view: 'order', id })} title="Link to this order">${figure(number)}</a>
      </th>
      <td>${accountId}</td>
      <td>${side}</td>
      <td>${symbol}</td>
      <td class="number" data-name="Quantity">${figure(quantity)}</td>
      <td class="number" data-name="Price">${amount(price)}</td>
      <td class="number" data-name="Amount">${amount(total)} ${currency}</td>
      <td class="when" data-name="Created">${moment(createdAt)}</td>
      <td class="actions"><button aria-expanded=${isOpen} @click=${() => toggle(id)}>Trace</button></td>
    </tr>
    ${
      isOpen
        ? html`<tr class="item">
            <td colspan="9">${traceView(trace)}</td>
          </tr>`
        : nothing
    }`;
}

/** Indexes begin at 0; what people read begins at 1. */
function traceView({
  id,
  operationId,
  index,
  chunk,
  partition,
  offset,
  attempts,
  savedAt,
}: OrderTrace): TemplateResult {
  const place = index === null ? nothing : `, its order ${figure(index + 1)}`;
  return html`<dl class="facts">
    <dt>id</dt>
    <dd><code>${id}</code></dd>
    <dt>operation</dt>
    <dd>
      ${
        operationId === null
          ? 'unknown'
          : html`<a href=${hashOf({ view: 'operation', id: operationId })}><code>${operationId}</code></a
              >${place}`
      }
    </dd>
    <dt>chunk</dt>
    <dd>${chunk === null ? 'unknown' : `its orders ${figure(chunk.from + 1)} to ${figure(chunk.to + 1)}`}</dd>
    <dt>Kafka</dt>
    <dd>partition ${partition}, offset ${figure(offset)}</dd>
    <dt>saved</dt>
    <dd>${moment(savedAt)}, at attempt ${attempts}</dd>
  </dl>`;
}
