import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { LivePart } from '../live/live-part.js';
import { figure, moment } from '../text/figures.js';
import type { DeadLetterGroup, DeadLetterItem, DeadLettersPage, Selection } from './dead-letter.js';

/** Dead letters by their reason; each group opens to its letters. */
export class DeadLetters extends LivePart {
  static override properties = {
    ...LivePart.properties,
    client: { attribute: false },
    groups: { state: true },
    opened: { state: true },
    items: { state: true },
    next: { state: true },
    refusal: { state: true },
  };
  declare client: Client;
  declare groups: readonly DeadLetterGroup[] | null;
  declare opened: string | null;
  declare items: readonly DeadLetterItem[];
  /** The path of more of them. */
  declare next: string | null;
  declare refusal: string | null;
  /** How many there were when the groups were asked for. */
  private known: number | null = null;
  private isLooking = false;

  constructor() {
    super();
    this.groups = null;
    this.opened = null;
    this.items = [];
    this.next = null;
    this.refusal = null;
  }

  /** The stream tells how many there are: only another number needs another look. */
  protected override changed(): void {
    const count = this.live.latest?.deadLetters ?? null;
    if (count === null) {
      // Also what was known: it may be others by now.
      this.groups = null;
      this.refusal = null;
    } else if ((count !== this.known || this.groups === null) && !this.isLooking) void this.look(count);
  }

  private async look(count: number): Promise<void> {
    this.isLooking = true;
    this.known = count;
    try {
      this.groups = (await this.client.get<{ items: DeadLetterGroup[] }>('/v1/dead-letters')).items;
      if (this.opened !== null) await this.list(this.opened);
      this.refusal = null;
    } catch (error) {
      this.groups = null;
      this.refusal = messageOf(error);
    }
    this.isLooking = false;
  }

  protected override render(): TemplateResult {
    const { groups } = this;
    if (groups === null) return html`<p class="unknown">Unknown${this.refusal === null ? '' : `: ${this.refusal}`}</p>`;
    if (groups.length === 0) return html`<p class="muted">None wait.</p>`;
    return html`${this.refusal === null ? nothing : html`<p role="alert" class="bad">${this.refusal}</p>`}
      <div class="scrolls" tabindex="0" role="region" aria-label="Dead letters by reason">
        <table>
          <thead>
            <tr>
              <th scope="col">Reason</th>
              <th scope="col" class="number">Waiting</th>
              <th scope="col" class="number spare">Redriven before</th>
              <th scope="col" class="spare">Last</th>
              <th scope="col"><span class="hidden">What to do</span></th>
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
            ${isOpen ? 'Close' : 'Look'}
          </button>
          <button aria-label="Redrive… all of ${errorCode}" @click=${() => this.tell('redrive', { errorCode })}>
            Redrive…
          </button>
        </td>
      </tr>
      ${isOpen ? this.items.map((item) => this.itemRow(item)) : nothing}
      ${
        isOpen && this.next !== null
          ? html`<tr class="item">
              <td colspan="5"><button @click=${() => void this.tried(async () => this.more())}>Show more</button></td>
            </tr>`
          : nothing
      }`;
  }

  private itemRow({ id, operationId, index, deadLetteredAt, redrives }: DeadLetterItem): TemplateResult {
    return html`<tr class="item">
      <td>
        <code>${id}</code><br /><small class="muted"
          >${operationId === null ? 'of no operation' : `order ${figure(index)} of ${operationId}`}</small
        >
      </td>
      <td></td>
      <td class="number spare">${figure(redrives)}</td>
      <td class="when spare">${moment(deadLetteredAt)}</td>
      <td class="actions">
        <button aria-label="Look at it: ${id}" @click=${() => this.tell('look', { id })}>Look at it</button>
        <button aria-label="Redrive… ${id}" @click=${() => this.tell('redrive', { id })}>Redrive…</button>
      </td>
    </tr>`;
  }

  private async toggle(errorCode: string): Promise<void> {
    this.opened = this.opened === errorCode ? null : errorCode;
    if (this.opened !== null) await this.tried(async () => this.list(errorCode));
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
    // Another list was begun meanwhile, or the same page came twice.
    if (this.next !== path) return;
    this.items = [...this.items, ...items];
    this.next = page.next ?? null;
  }

  private async tried(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.refusal = null;
    } catch (error) {
      this.refusal = messageOf(error);
    }
  }

  private tell(what: 'look' | 'redrive', selection: Selection): void {
    this.dispatchEvent(new CustomEvent<Selection>(what, { detail: selection }));
  }
}
