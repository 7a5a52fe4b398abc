import { html, nothing, type TemplateResult } from 'lit';
import { repeat } from 'lit/directives/repeat.js';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { Part } from '../part.js';
import { hashOf } from '../routing/address.js';
import { duration, moment, plural } from '../text/figures.js';
import { sendingSeconds, timeWord, type Operation } from './operation.js';
import { progressView, stateView } from './operation-progress.js';
import type { Operations } from './operations.js';

/** Lists the newest operations with their progress, and older ones on request. */
export class OperationList extends Part {
  static override properties = {
    client: { attribute: false },
    operations: { attribute: false },
    errorText: { state: true },
  };
  declare client: Client;
  declare operations: Operations;
  declare errorText: string | null;
  private readonly onChange = (): void => this.requestUpdate();

  constructor() {
    super();
    this.errorText = null;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.operations.addEventListener('change', this.onChange);
  }

  override disconnectedCallback(): void {
    this.operations.removeEventListener('change', this.onChange);
    super.disconnectedCallback();
  }

  protected override render(): TemplateResult {
    const { newest, reason, hasMore } = this.operations;
    if (newest === null)
      return html`<p class="unknown">Operations are unknown${reason === null ? ': loading.' : `: ${reason}`}</p>`;
    if (newest.length === 0)
      return html`<p class="muted">No operations yet. Press “Populate”, and follow the progress here.</p>`;
    return html`
      <ul class="operations">
        ${repeat(
          newest,
          ({ id }) => id,
          (operation) => this.operationView(operation),
        )}
      </ul>
      ${hasMore ? html`<button @click=${() => void this.showMore()}>Show older operations</button>` : nothing}
      ${this.errorText === null ? nothing : html`<p role="alert" class="bad">${this.errorText}</p>`}
    `;
  }

  private operationView(operation: Operation): TemplateResult {
    const { id, kind, count, requestedAt } = operation;
    const { client, operations } = this;
    const amount = count === null ? '' : `${plural(count, kind === 'redrive' ? 'letter' : 'order')}, `;
    return html`<li>
      <div class="row">
        <b>${kind}</b>
        ${stateView(operation)}
        <span class="muted">${amount}${moment(requestedAt)}${tookText(operation)}</span>
      </div>
      <a href=${hashOf({ view: 'operation', id })} title="Show this operation"><code>${id}</code></a>
      ${progressView(operation)}
      <operation-actions .client=${client} .operations=${operations} .operation=${operation}></operation-actions>
    </li>`;
  }

  private async showMore(): Promise<void> {
    try {
      await this.operations.showMore();
      this.errorText = null;
    } catch (error) {
      this.errorText = messageOf(error);
    }
  }
}

function tookText(operation: Operation): string {
  const seconds = sendingSeconds(operation, Date.now());
  if (seconds === null) return '';
  if (operation.finishedAt === null) return `, for ${duration(seconds)}`;
  return `, ${timeWord(operation)} ${duration(seconds)}`;
}
