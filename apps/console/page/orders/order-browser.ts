import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { ApiProblem, messageOf } from '../api/problem.js';
import { Part } from '../part.js';
import { moment } from '../text/figures.js';
import { FormValues } from '../text/form-values.js';
import { orderPath } from './order-path.js';
import type { Order, OrdersPage, OrderTrace } from './order.js';

/** Finds orders by id, page, number range, account or symbol, and shows the trace of each order. */
export class OrderBrowser extends Part {
  static override properties = {
    client: { attribute: false },
    found: { state: true },
    trace: { state: true },
    errorText: { state: true },
  };
  declare client: Client;
  declare found: OrdersPage | null;
  declare trace: OrderTrace | null;
  declare errorText: string | null;

  constructor() {
    super();
    this.found = null;
    this.trace = null;
    this.errorText = null;
  }

  protected override render(): TemplateResult {
    return html`
      <form class="fields" role="search" @submit=${(event: SubmitEvent) => void this.search(event)}>
        <label class="wide">
          Id, number, from..to, account or symbol
          <input name="what" placeholder="empty: first page" autocomplete="off" spellcheck="false" />
        </label>
        <button class="main">Find</button>
      </form>
      ${this.errorText === null ? nothing : html`<p role="alert" class="bad">${this.errorText}</p>`}
      ${this.found === null ? nothing : this.pageView(this.found)}
    `;
  }

  private pageView({ items, page }: OrdersPage): TemplateResult {
    const go = (name: string, path: string | undefined): TemplateResult =>
      html`<button ?disabled=${path === undefined} @click=${() => void this.show(path ?? '')}>${name}</button>`;
    return html`
      <div class="scrolls" tabindex="0" role="region" aria-label="Orders">
        <table>
          <thead>
            <tr>
              ${['Number', 'Account', 'Side', 'Symbol', 'Quantity', 'Price', 'Amount', 'Created'].map((name) => html`<th scope="col" class=${NUMBERS.has(name) ? 'number' : ''}>${name}</th>`)}
              <th scope="col"><span class="hidden">Trace</span></th>
            </tr>
          </thead>
          <tbody>
            ${
              items.length === 0
                ? html`<tr>
                    <td colspan="9" class="muted">No orders.</td>
                  </tr>`
                : items.map((order) => this.orderRows(order))
            }
          </tbody>
        </table>
      </div>
      <div class="row">
        ${go('Previous', page.prev)} ${go('Next', page.next)}
        ${page.number === undefined ? nothing : html`<span class="muted">page ${page.number}</span>`}
      </div>
    `;
  }

  private orderRows(order: Order): TemplateResult {
    const { id, number, accountId, side, symbol, quantity, price, amount, currency, createdAt } = order;
    const isOpen = this.trace?.id === id;
    return html`<tr>
        <th scope="row" class="number">${number}</th>
        <td>${accountId}</td>
        <td>${side}</td>
        <td>${symbol}</td>
        <td class="number">${quantity}</td>
        <td class="number">${price}</td>
        <td class="number">${amount} ${currency}</td>
        <td class="when">${moment(createdAt)}</td>
        <td class="actions"><button aria-expanded=${isOpen} @click=${() => void this.toggle(id)}>Trace</button></td>
      </tr>
      ${
        isOpen && this.trace !== null
          ? html`<tr class="item">
              <td colspan="9">${traceView(this.trace)}</td>
            </tr>`
          : nothing
      }`;
  }

  private async search(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    await this.show(orderPath(FormValues.of(event).text('what')));
  }

  private async show(path: string): Promise<void> {
    this.trace = null;
    try {
      const answer = await this.client.get<Order | OrdersPage>(path);
      this.found = 'items' in answer ? answer : { items: [answer], page: {} };
      this.errorText = null;
    } catch (error) {
      this.found = null;
      this.errorText = error instanceof ApiProblem && error.status === 404 ? 'Order not found.' : messageOf(error);
    }
  }

  private async toggle(id: string): Promise<void> {
    if (this.trace?.id === id) this.trace = null;
    else
      try {
        this.trace = await this.client.get<OrderTrace>(`/v1/orders/${id}/trace`);
      } catch (error) {
        this.errorText = messageOf(error);
      }
  }
}

const NUMBERS = new Set(['Number', 'Quantity', 'Price', 'Amount']);

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
  return html`<dl class="facts">
    <dt>id</dt>
    <dd><code>${id}</code></dd>
    <dt>operation</dt>
    <dd>${operationId === null ? 'unknown' : html`<code>${operationId}</code>, order ${index}`}</dd>
    <dt>chunk</dt>
    <dd>${chunk === null ? 'unknown' : `${chunk.from} to ${chunk.to}`}</dd>
    <dt>Kafka</dt>
    <dd>partition ${partition}, offset ${offset}</dd>
    <dt>saved</dt>
    <dd>${moment(savedAt)}, at attempt ${attempts}</dd>
  </dl>`;
}
