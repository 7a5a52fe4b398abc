import { html, nothing, type TemplateResult } from 'lit';
import { state } from 'lit/decorators.js';
import type { AutoscalingView, DecisionItem, DecisionPage } from '../../src/autoscaling/autoscaling-response.js';
import { duration, figure, plural, moment } from '../figures.js';
import { LiveElement } from '../page-element.js';
import { mergeNewest } from '../populate/operations.js';
import { RequestState } from '../request-state.js';

type Decided = Pick<DecisionItem, 'kind' | 'reason' | 'from' | 'to' | 'text' | 'figures' | 'verdict'>;

/** A state of the autoscaler: a word, and its colour. */
interface AutoscalingState {
  readonly word: string;
  readonly colour: 'good' | 'warn' | 'bad' | 'muted' | 'busy';
}

const REASONS: Readonly<Record<DecisionItem['reason'], string>> = {
  limits: 'outside the limits',
  'goal-at-risk': 'goal at risk',
  'no-gain': 'did not help',
  'spare-capacity': 'spare capacity',
  enough: 'enough',
  measuring: 'measuring',
  helped: 'helped',
  'not-judged': 'no verdict',
  reconsidered: 'had helped after all',
  bound: 'bound',
  'at-maximum': 'at the maximum',
  'scaling-down-slowly': 'waiting before a step down',
  'not-worth-a-pause': 'not worth a pause',
  stalled: 'stalled',
  suspended: 'consumers suspended',
  'held-by-hand': 'on hold',
  unknown: 'figures unknown',
};
/** Orders wait, and the autoscaler can't help. */
const ATTENTION: ReadonlySet<DecisionItem['reason']> = new Set([
  'bound',
  'at-maximum',
  'stalled',
  'suspended',
  'held-by-hand',
  'no-gain',
]);

/** Returns the state of the autoscaler in a word. */
export function stateOf({ mode, failure, isStandby, heldUntil, now }: AutoscalingView): AutoscalingState {
  if (failure !== null) return { word: 'can not act', colour: 'bad' };
  if (mode === 'dry-run') return { word: 'dry run', colour: 'muted' };
  if (heldUntil !== null) return { word: 'on hold', colour: 'warn' };
  if (isStandby) return { word: 'on, in another console', colour: 'muted' };
  if (now === null || now.reason === 'unknown') return { word: 'waiting for figures', colour: 'muted' };
  if (now.reason === 'measuring') return { word: 'measuring', colour: 'busy' };
  return ATTENTION.has(now.reason) ? { word: REASONS[now.reason], colour: 'warn' } : { word: 'on', colour: 'good' };
}

/** Returns what was decided, such as `2 → 4 consumers: goal at risk`. */
export function headingOf({ kind, reason, from, to }: Decided, mode: DecisionItem['mode']): string {
  if (kind === 'keep') return `${plural(to, 'consumer')}: ${REASONS[reason]}`;
  const change = `${from} → ${plural(to, 'consumer')}: ${REASONS[reason]}`;
  return mode === 'dry-run' ? `would change ${change}` : change;
}

/** Returns the class that colours a decision. */
export function classOf({ kind, reason }: Decided): string {
  if (kind === 'revert' || ATTENTION.has(reason)) return 'warn';
  return reason === 'helped' ? 'good' : '';
}

/** Returns the figures that a decision follows from. Unknown ones are left out. */
export function figuresText({ figures }: Decided): string {
  const { lagRecords, arrivalPerSecond, savedPerSecond, ratePerConsumer, waitSeconds, pauseSeconds } = figures;
  const parts = [
    ['lag', lagRecords === null ? null : figure(lagRecords)],
    ['arriving', arrivalPerSecond === null ? null : `${figure(arrivalPerSecond)}/s`],
    ['saved', savedPerSecond === null ? null : `${figure(savedPerSecond)}/s`],
    ['one consumer', ratePerConsumer === null ? null : `${figure(ratePerConsumer)}/s`],
    ['wait', waitSeconds === null ? null : duration(waitSeconds)],
    ['a rebalance costs', pauseSeconds > 0 ? duration(pauseSeconds) : null],
  ] as const;
  return parts.flatMap(([name, value]) => (value === null ? [] : [`${name} ${value}`])).join(', ');
}

const FIRST = '/v1/pipeline/autoscaling/decisions?pageSize=5';

/** Shows what the autoscaler does, and each decision with its reason, its figures and its verdict. */
export class AutoscalingPanel extends LiveElement {
  /** The decisions: the newest ones, and older ones on request, newest first; `null`: not loaded yet. */
  @state() items: readonly DecisionItem[] | null = null;
  @state() notice = '';
  private readonly request = new RequestState(this);
  /** The path of the next page. */
  private next: string | undefined;
  /** The newest decision that the console has reported, by its id, when the decisions were loaded; `undefined`: nothing was. */
  private loadedFor: string | null | undefined;

  protected override render(): TemplateResult {
    const { latest } = this.live;
    if (latest === null) return html`<p class="unknown">Autoscaling is unknown: not connected.</p>`;
    const view = latest.autoscaling;
    if (view === null)
      return html`<p class="muted">
        Autoscaling is off. To see here what it would do, start with <code>npm start -- --autoscale dry-run</code>, or
        the console with AUTOSCALE=dry-run.
      </p>`;
    const { colour, word } = stateOf(view);
    return html`
      <div class="row">
        <h3>Autoscaling</h3>
        <span class="status ${colour}">${word}</span>
        <span class="muted">${goalText(view)}</span>
      </div>
      ${nowView(view)} ${this.holdView(view)} ${this.list()} ${this.request.failureView()}
      <p class="muted" role="status">${this.notice}</p>
    `;
  }

  /** Loads the decisions when the console has made another one. */
  protected override changed(): void {
    super.changed();
    const view = this.live.latest?.autoscaling ?? null;
    if (view === null) return;
    const newest = view.newest?.id ?? null;
    if (newest !== this.loadedFor) void this.request.run(async () => this.refresh(newest));
  }

  /** Loads the newest, and keeps older ones that were shown. */
  private async refresh(newest: string | null): Promise<void> {
    this.loadedFor = newest;
    const { items, page } = await this.client.get<DecisionPage>(FIRST);
    const merged = mergeNewest(this.items ?? [], items);
    // Otherwise older ones are shown below this page, and have their own next page.
    if (merged.length === items.length) this.next = page.next;
    this.items = merged;
  }

  private async showMore(path: string): Promise<void> {
    const { items, page } = await this.client.get<DecisionPage>(path);
    this.items = [...(this.items ?? []), ...items];
    this.next = page.next;
  }

  private holdView({ heldUntil }: AutoscalingView): TemplateResult | typeof nothing {
    if (heldUntil === null) return nothing;
    return html`<p class="row">
      <span class="muted">Held until ${moment(heldUntil)}, since the number was set by hand.</span>
      <button @click=${() => void this.resume()}>Resume autoscaling</button>
    </p>`;
  }

  private list(): TemplateResult {
    const { items, next } = this;
    if (items === null) return html`<p class="muted">Loading the decisions.</p>`;
    if (items.length === 0)
      return html`<p class="muted">
        No decisions yet. Each step appears here with its reason, its figures, and the verdict whether it helped.
      </p>`;
    return html`<ol class="verdicts" aria-label="Decisions of the autoscaler, newest first">
        ${items.map((item) => decisionView(item))}
      </ol>
      ${next === undefined ? nothing : html`<button @click=${() => void this.request.run(async () => this.showMore(next))}>Show older decisions</button>`}`;
  }

  private async resume(): Promise<void> {
    await this.request.run(async () => {
      await this.client.request('/v1/pipeline/autoscaling/resume', { method: 'POST' });
      this.notice = 'Autoscaling resumes.';
    });
  }
}

function goalText({ minConsumers, maxConsumers, drainSeconds }: AutoscalingView): string {
  return `${minConsumers} to ${plural(maxConsumers, 'consumer')}, orders saved within ${drainSeconds} s`;
}

function nowView({ now, mode, failure }: AutoscalingView): TemplateResult {
  if (failure !== null) return html`<p class="bad" role="alert">The autoscaler can not act: ${failure}</p>`;
  if (now === null) return html`<p class="muted">It decides once figures of the pipeline are known.</p>`;
  return html`<p>${mode === 'dry-run' && now.kind !== 'keep' ? 'It would go ' : ''}${now.text}.</p>
    <p class="muted">${figuresText(now)}</p>`;
}

function decisionView(item: DecisionItem): TemplateResult {
  return html`<li>
    <div class="row">
      <b class=${classOf(item) || nothing}>${headingOf(item, item.mode)}</b>
      <span class="muted">${moment(item.at)}</span>
    </div>
    <div>${item.text}</div>
    <div class="muted">${figuresText(item)}</div>
  </li>`;
}
