import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { LivePart } from '../live/live-part.js';
import { stateOf } from '../populate/operation.js';
import type { Operations } from '../populate/operations.js';
import { hashOf, type Address } from '../routing/address.js';
import type { Router } from '../routing/router.js';
import { groupView, letterView } from './dead-letter-views.js';
import type { DeadLetterGroup, DeadLetterItem, DeadLettersPage } from './dead-letter.js';
import { Rereading } from './rereading.js';

type LettersAddress = Extract<Address, { view: 'letters' }>;

const ALL: LettersAddress = { view: 'letters', errorCode: null, operationId: null };

/** What was done last with dead letters: in words, or the redrive that was started. */
export interface LastAction {
  readonly notice: string;
  readonly redriveId: string | null;
}

/** Lists the pending dead letters, grouped by error code. The address opens a group, or selects the letters of one operation. */
export class DeadLetters extends LivePart {
  static override properties = {
    ...LivePart.properties,
    client: { attribute: false },
    operations: { attribute: false },
    address: { attribute: false },
    router: { attribute: false },
    groups: { state: true },
    items: { state: true },
    next: { state: true },
    errorText: { state: true },
    notice: { state: true },
    redriveId: { state: true },
  };
  declare client: Client;
  declare operations: Operations;
  /** `null`: no group is open. */
  declare address: LettersAddress | null;
  declare router: Router;
  declare groups: readonly DeadLetterGroup[] | null;
  declare items: readonly DeadLetterItem[];
  /** The path of the next page. */
  declare next: string | null;
  declare errorText: string | null;
  declare notice: string;
  declare redriveId: string | null;
  /** The state of the pipeline for which the groups were read. */
  private readFor: string | null = null;
  private reading = this.readingOf(ALL);

  constructor() {
    super();
    this.address = null;
    this.groups = null;
    this.items = [];
    this.next = null;
    this.errorText = null;
    this.notice = '';
    this.redriveId = null;
  }

  /** Reads the groups again, after letters were redriven or discarded. */
  async reload(): Promise<void> {
    await this.reading.request();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('address')) return;
    // Until they are read, the letters of another group must not be shown in this one.
    this.items = [];
    this.next = null;
    this.reading = this.readingOf(this.address ?? ALL);
    if (this.readFor !== null) void this.reload();
  }

  /** Reads the groups only when the number of dead letters in the event stream changes, or when a redrive ends. */
  protected override changed(): void {
    const count = this.live.latest?.deadLetters ?? null;
    const redrives = this.operations.newest?.filter(
      ({ kind, finishedAt }) => kind === 'redrive' && finishedAt !== null,
    );
    const now = count === null ? null : `${count} letters, ${redrives?.length} redrives`;
    if (now === this.readFor) return;
    this.readFor = now;
    if (now !== null) void this.reload();
    // The known groups may be outdated by now, so they are dropped too.
    else this.groups = null;
  }

  protected override render(): TemplateResult {
    const { groups, errorText } = this;
    const error = errorText === null ? nothing : html`<p role="alert" class="bad">${errorText}</p>`;
    if (groups === null)
      return errorText === null
        ? html`<p class="unknown">Unknown: waiting for the figures of the pipeline.</p>`
        : html`${error} <button @click=${() => void this.reload()}>Try again</button>`;
    return html`${error}
      <p class="muted" role="status">${this.notice} ${this.redriveView()}</p>
      ${this.filterView()} ${groups.length === 0 ? html`<p class="muted">No pending dead letters.</p>` : nothing}
      <ul class="groups">
        ${groups.map((group) => this.groupItem(group))}
      </ul>`;
  }

  /** Shows where the last redrive is, since its letters are pending again if they fail again. */
  private redriveView(): TemplateResult | typeof nothing {
    const id = this.redriveId;
    if (id === null) return nothing;
    const operation = this.operations.newest?.find((each) => each.id === id);
    const link = html`<a href=${hashOf({ view: 'operation', id })}>redrive</a>`;
    return html`The ${link}: ${operation === undefined ? 'requested' : stateOf(operation).text}.`;
  }

  private filterView(): TemplateResult | typeof nothing {
    const operationId = this.address?.operationId ?? null;
    if (operationId === null) return nothing;
    return html`<p>
      Only those of operation <a href=${hashOf({ view: 'operation', id: operationId })}><code>${operationId}</code></a
      >.
      <a href=${hashOf(ALL)}>Show all</a>
    </p>`;
  }

  private groupItem(group: DeadLetterGroup): TemplateResult {
    const { errorCode } = group;
    const address = this.address ?? ALL;
    const isOpen = address.errorCode === errorCode;
    const toggled = { ...address, errorCode: isOpen ? null : errorCode };
    return html`<li>
      ${groupView(group, address.operationId, isOpen, () => this.router.go(toggled))}
      ${
        isOpen
          ? html`<ul class="letters">
              ${this.items.map(letterView)}
            </ul>`
          : nothing
      }
      ${isOpen && this.next !== null ? html`<button @click=${() => void this.attempt(async () => this.more())}>Show more</button>` : nothing}
    </li>`;
  }

  /** Reads what an address selects. Its answers are ignored once another address is shown. */
  private readingOf(address: LettersAddress): Rereading {
    const isShown = (): boolean => (this.address ?? ALL) === address;
    return new Rereading(async () => this.attempt(async () => this.load(address, isShown), isShown));
  }

  private async load({ operationId, errorCode }: LettersAddress, isShown: () => boolean): Promise<void> {
    const filter = operationId === null ? '' : `?${new URLSearchParams({ operationId })}`;
    const { items: groups } = await this.client.get<{ items: DeadLetterGroup[] }>(`/v1/dead-letters${filter}`);
    if (!isShown()) return;
    this.groups = groups;
    if (errorCode === null) return;
    const query = new URLSearchParams({ errorCode, state: 'pending', ...(operationId !== null && { operationId }) });
    const { items, next } = await this.read(`/v1/dead-letters/records?${query}`);
    if (isShown()) [this.items, this.next] = [items, next];
  }

  private async more(): Promise<void> {
    const path = this.next ?? '';
    const { items, next } = await this.read(path);
    // Meanwhile another list was opened, or the same page was loaded twice.
    if (this.next === path) [this.items, this.next] = [[...this.items, ...items], next];
  }

  private async read(path: string): Promise<{ items: readonly DeadLetterItem[]; next: string | null }> {
    const { items, page } = await this.client.get<DeadLettersPage>(path);
    return { items, next: page.next ?? null };
  }

  private async attempt(work: () => Promise<void>, isShown = (): boolean => true): Promise<void> {
    try {
      await work();
      if (isShown()) this.errorText = null;
    } catch (error) {
      if (isShown()) this.errorText = messageOf(error);
    }
  }
}
