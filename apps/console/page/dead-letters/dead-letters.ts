import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { LivePart } from '../live/live-part.js';
import { figure, moment } from '../text/figures.js';
import type { DeadLetterGroup, DeadLetterItem, DeadLettersPage, Selection } from './dead-letter.js';

/** Lists the dead letters, grouped by error code; each group can be expanded. */
export class DeadLetters extends LivePart {
  static override properties = {
    ...LivePart.properties,
    client: { attribute: false },
    groups: { state: true },
    opened: { state: true },
    items: { state: true },
    next: { state: true },
    errorText: { state: true },
  };
  declare client: Client;
  declare groups: readonly DeadLetterGroup[] | null;
  declare opened: string | null;
  declare items: readonly DeadLetterItem[];
  /** The path of the next page. */
  declare next: string | null;
  declare errorText: string | null;
  /** The number of dead letters when the groups were requested. */
  private knownCount: number | null = null;
  private isLoading = false;

  constructor() {
    super();
    this.groups = null;
    this.opened = null;
    this.items = [];
    this.next = null;
    this.errorText = null;
  }

  /** Reloads only when the number of dead letters in the event stream changes. */
  protected override changed(): void {
    const count = this.live.latest?.deadLetters ?? null;
    if (count === null) {
      // The known groups may be outdated by now, so they are dropped too.
      this.groups = null;
      this.errorText = null;
    } else if ((count !== this.knownCount || this.groups === null) && !this.isLoading) void this.load(count);
  }

  private async load(count: number): Promise<void> {
    this.isLoading = true;
    this.knownCount = count;
    try {
      this.groups = (await this.client.get<{ items: DeadLetterGroup[] }>('/v1/dead-letters')).items;
      if (this.opened !== null) await this.list(this.opened);
      this.errorText = null;
    } catch (error) {
      this.groups = null;
      this.errorText = messageOf(error);
    }
    this.isLoading = false;
  }

  protected override render(): TemplateResult {
    const { groups } = this;
    if (groups === null)
      return html`<p class="unknown">Unknown${this.errorText === null ? '' : `: ${this.errorText}`}</p>`;
    if (groups.length === 0) return html`<p class="muted">No pending dead letters.</p>`;
    return html`${this.errorText === null ? nothing : html`<p role="alert" class="bad">${this.errorText}</p>`}
      <div class="scrolls" tabindex="0" role="region" aria-label="Dead letters by reason">
        <table>
          <thead>
            <tr>
              <th scope="col">Reason</th>
              <th scope="col" class="number">Pending</th>
              <th scope="col" class="number spare">Redriven before</th>
              <th scope="col" class="spare">Last</th>
              <th scope="col"><span class="hidden">Actions</span></th>
            </tr>
          </thead>
          <tbody>
            ${groups.map((group) => this.groupRows(group))}
          </tbody>
        </table>
      </div>`;
  }

  private groupRows({ errorCode, count, redriven, lastAt, example }: DeadLetterGroup): TemplateResult {
    const isOpen = this.opened === errorCode;
    return html`<tr>
        <th scope="row">${errorCode}<br /><small class="muted">${example.message}</small></th>
        <td class="number">${figure(count)}</td>
        <td class="number spare">${figure(redriven)}</td>
        <td class="when spare">${moment(lastAt)}</td>
        <td class="actions">
          <button aria-expanded=${isOpen} @click=${() => void this.toggle(errorCode)}>
            ${isOpen ? 'Hide letters' : 'Show letters'}
          </button>
          <button aria-label="Redrive… all of ${errorCode}" @click=${() => this.request('redrive', { errorCode })}>
            Redrive…
          </button>
        </td>
      </tr>
      ${isOpen ? this.items.map((item) => this.itemRow(item)) : nothing}
      ${
        isOpen && this.next !== null
          ? html`<tr class="item">
              <td colspan="5"><button @click=${() => void this.attempt(async () => this.more())}>Show more</button></td>
            </tr>`
          : nothing
      }`;
  }

  private itemRow({ id, operationId, index, deadLetteredAt, redrives }: DeadLetterItem): TemplateResult {
    return html`<tr class="item">
      <td>
        <code>${id}</code><br /><small class="muted"
          >${operationId === null ? 'no operation' : `order ${figure(index)} of ${operationId}`}</small
        >
      </td>
      <td></td>
      <td class="number spare">${figure(redrives)}</td>
      <td class="when spare">${moment(deadLetteredAt)}</td>
      <td class="actions">
        <button aria-label="Show record of ${id}" @click=${() => this.request('show', { id })}>Show record</button>
        <button aria-label="Redrive… ${id}" @click=${() => this.request('redrive', { id })}>Redrive…</button>
      </td>
    </tr>`;
  }

  private async toggle(errorCode: string): Promise<void> {
    this.opened = this.opened === errorCode ? null : errorCode;
    if (this.opened !== null) await this.attempt(async () => this.list(errorCode));
  }

  private async list(errorCode: string): Promise<void> {
    const query = new URLSearchParams({ errorCode, state: 'pending' });
    this.items = [];
    this.next = `/v1/dead-letters/records?${query}`;
    await this.more();
  }

  private async more(): Promise<void> {
    const path = this.next ?? '';
    const { items, page } = await this.client.get<DeadLettersPage>(path);
    // Meanwhile another list was opened, or the same page was loaded twice.
    if (this.next !== path) return;
    this.items = [...this.items, ...items];
    this.next = page.next ?? null;
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.errorText = null;
    } catch (error) {
      this.errorText = messageOf(error);
    }
  }

  private request(action: 'show' | 'redrive', selection: Selection): void {
    this.dispatchEvent(new CustomEvent<Selection>(action, { detail: selection }));
  }
}
