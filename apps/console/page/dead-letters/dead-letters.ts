import type { DeadLetterGroup, DeadLetterGroups, DeadLetterPage, DeadLetterSummary } from '#api/producer.js';
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, state } from 'lit/decorators.js';
import { messageOf } from '../client.js';
import { LiveElement } from '../page-element.js';
import { stateOf } from '../populate/operations.js';
import { hashOf, operationLink, type Address } from '../routing.js';
import { figure, moment, plural } from '../figures.js';
import { alertView } from '../request-state.js';
import { lastFailedAt, LETTER_EVENTS, repairOf, type Selection } from './dead-letter.js';

/**
 * Runs one reading at a time. A request during a reading makes it run once more afterwards, so that the newest state is always shown in
 * the end, and each reading is shown even when changes come faster than answers.
 */
export class Rereading {
  private isRunning = false;
  private isStale = false;

  constructor(private readonly read: () => Promise<void>) {}

  /** Resolves when nothing newer is to be read. The reading must handle its own errors. */
  async request(): Promise<void> {
    this.isStale = true;
    if (this.isRunning) return;
    this.isRunning = true;
    while (this.isStale) {
      this.isStale = false;
      await this.read();
    }
    this.isRunning = false;
  }
}

type LettersAddress = Extract<Address, { view: 'letters' }>;

const ALL: LettersAddress = { view: 'letters', errorCode: null, operationId: null };

/** What was done last with dead letters: in words, or the redrive that was started. */
export interface LastAction {
  readonly notice: string;
  readonly redriveId: string | null;
}

/** Lists the pending dead letters, grouped by error code. The address opens a group, or selects the dead letters of one operation. */
export class DeadLetters extends LiveElement {
  /** `null`: no group is open. */
  @property({ attribute: false }) address: LettersAddress | null = null;
  @state() groups: readonly DeadLetterGroup[] | null = null;
  @state() items: readonly DeadLetterSummary[] = [];
  /** The path of the next page. */
  @state() next: string | null = null;
  @state() errorText: string | null = null;
  @state() notice = '';
  @state() redriveId: string | null = null;
  /** The state of the pipeline for which the groups were read. */
  private readFor: string | null = null;
  private reading = this.readingOf(ALL);

  /** Reads the groups again, after dead letters were redriven or discarded. */
  async reload(): Promise<void> {
    await this.reading.request();
  }

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('address')) return;
    // Until they are read, the dead letters of another group must not be shown in this one.
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
    const now = count === null ? null : `${count} dead letters, ${redrives?.length} redrives`;
    if (now === this.readFor) return;
    this.readFor = now;
    if (now !== null) void this.reload();
    // The known groups may be outdated by now, so they are dropped too.
    else this.groups = null;
  }

  protected override render(): TemplateResult {
    const { groups, errorText } = this;
    const error = alertView(errorText);
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

  /** Shows where the last redrive is, since its dead letters are pending again if they fail again. */
  private redriveView(): TemplateResult | typeof nothing {
    const id = this.redriveId;
    if (id === null) return nothing;
    const operation = this.operations.newest?.find((each) => each.id === id);
    return html`The ${operationLink(id, 'redrive')}: ${operation === undefined ? 'requested' : stateOf(operation).text}.`;
  }

  private filterView(): TemplateResult | typeof nothing {
    const operationId = this.address?.operationId ?? null;
    if (operationId === null) return nothing;
    return html`<p>
      Only those of operation ${operationLink(operationId)}.
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
    const { items: groups } = await this.client.get<DeadLetterGroups>(`/v1/dead-letters${filter}`);
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

  private async read(path: string): Promise<{ items: readonly DeadLetterSummary[]; next: string | null }> {
    const { items, page } = await this.client.get<DeadLetterPage>(path);
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

/** Shows a group of dead letters, with the buttons that act on all of it. */
function groupView(
  { errorCode, count, redriven, lastAt, example }: DeadLetterGroup,
  operationId: string | null,
  isOpen: boolean,
  toggle: () => void,
): TemplateResult {
  const selection = { errorCode, ...(operationId !== null && { operationId }) };
  return html`<div class="group">
    <h3>${errorCode}</h3>
    <p class="muted">
      <a href=${hashOf({ view: 'letter', id: example.id })} aria-label="Example of ${errorCode}">Example</a>:
      ${example.message}. ${repairOf(errorCode)}
    </p>
    <p>
      <b>${figure(count)}</b> pending${redriven > 0 ? `, ${figure(redriven)} of them redriven before` : nothing}, last
      failure ${moment(lastAt)}
    </p>
    <div class="actions">
      <button aria-expanded=${isOpen} @click=${toggle}>${isOpen ? 'Hide dead letters' : 'Show dead letters'}</button>
      ${actionButtons(selection, `all of ${errorCode}`)}
    </div>
  </div>`;
}

/** Shows a dead letter in the list. */
function letterView(letter: DeadLetterSummary): TemplateResult {
  const { id, operationId, redrives } = letter;
  return html`<li class="group">
    <p>
      <a href=${hashOf({ view: 'letter', id })} aria-label="Show record of ${id}"><code>${id}</code></a>
    </p>
    <p class="muted">${placeOf(letter)}${operationId === null ? 'no operation' : operationLink(operationId)}</p>
    <p class="muted">
      ${moment(lastFailedAt(letter.deadLetteredAt, letter.tries))}${redrives > 0 ? `, redriven ${plural(redrives, 'time')}` : nothing}
    </p>
    <div class="actions">${actionButtons({ id }, id)}</div>
  </li>`;
}

/** Names the order of a dead letter by its number, or by its place while the number is unknown. */
function placeOf({ index, number }: DeadLetterSummary): string {
  if (number !== null) return `order number ${figure(number)} of `;
  return index === null ? '' : `record ${figure(index + 1)} of `;
}

function actionButtons(selection: Selection, name: string): TemplateResult {
  const request = (event: string) => (click: Event) =>
    click.target?.dispatchEvent(new CustomEvent(event, { detail: selection, bubbles: true }));
  return html`<button aria-label="Redrive… ${name}" @click=${request(LETTER_EVENTS.redrive)}>Redrive…</button>
    <button aria-label="Discard… ${name}" @click=${request(LETTER_EVENTS.discard)}>Discard…</button>`;
}
