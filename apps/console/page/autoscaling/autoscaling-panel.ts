import { html, nothing, type TemplateResult } from 'lit';
import type { AutoscalingView, DecisionItem } from '../../src/autoscaling/autoscaling-response.js';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { LivePart } from '../live/live-part.js';
import { moment, plural } from '../text/figures.js';
import { AutoscalingDecisions } from './autoscaling-decisions.js';
import { classOf, figuresText, headingOf, stateOf } from './decision-words.js';

/** Shows what the autoscaler does, and each decision with its reason, its figures and its verdict. */
export class AutoscalingPanel extends LivePart {
  static override properties = {
    ...LivePart.properties,
    client: { attribute: false },
    errorText: { state: true },
    notice: { state: true },
  };
  declare client: Client;
  declare errorText: string | null;
  declare notice: string;
  private decisions: AutoscalingDecisions | undefined;

  constructor() {
    super();
    this.errorText = null;
    this.notice = '';
  }

  protected override render(): TemplateResult {
    const { latest } = this.live;
    if (latest === null) return html`<p class="unknown">Autoscaling is unknown: not connected.</p>`;
    const view = latest.autoscaling;
    if (view === null)
      return html`<p class="muted">
        Autoscaling is off. To see here what it would do, start with <code>npm start -- --autoscale dry-run</code>, or
        the console with AUTOSCALE=dry-run.
      </p>`;
    const state = stateOf(view);
    return html`
      <div class="row">
        <h3>Autoscaling</h3>
        <span class="status ${state.colour}">${state.word}</span>
        <span class="muted">${goalText(view)}</span>
      </div>
      ${nowView(view)} ${this.holdView(view)} ${this.list()}
      ${this.errorText === null ? nothing : html`<p role="alert" class="bad">${this.errorText}</p>`}
      <p class="muted" role="status">${this.notice}</p>
    `;
  }

  /** Loads the decisions when the console has made another one. */
  protected override changed(): void {
    super.changed();
    const view = this.live.latest?.autoscaling ?? null;
    if (view === null) return;
    this.decisions ??= new AutoscalingDecisions(this.client);
    const { decisions } = this;
    const newest = view.newest?.id ?? null;
    if (decisions.isBehind(newest)) void this.attempt(async () => decisions.refresh(newest));
  }

  private holdView({ heldUntil }: AutoscalingView): TemplateResult | typeof nothing {
    if (heldUntil === null) return nothing;
    return html`<p class="row">
      <span class="muted">Held until ${moment(heldUntil)}, since the number was set by hand.</span>
      <button @click=${() => void this.resume()}>Resume autoscaling</button>
    </p>`;
  }

  private list(): TemplateResult {
    const { items = null, hasMore = false } = this.decisions ?? {};
    if (items === null) return html`<p class="muted">Loading the decisions.</p>`;
    if (items.length === 0)
      return html`<p class="muted">
        No decisions yet. Each step appears here with its reason, its figures, and the verdict whether it helped.
      </p>`;
    return html`<ol class="verdicts" aria-label="Decisions of the autoscaler, newest first">
        ${items.map((item) => decisionView(item))}
      </ol>
      ${hasMore ? html`<button @click=${() => void this.showMore()}>Show older decisions</button>` : nothing}`;
  }

  private async showMore(): Promise<void> {
    await this.attempt(async () => this.decisions?.showMore());
  }

  private async resume(): Promise<void> {
    await this.attempt(async () => {
      await this.client.request('/v1/pipeline/autoscaling/resume', { method: 'POST' });
      this.notice = 'Autoscaling resumes.';
    });
  }

  private async attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
      this.errorText = null;
    } catch (error) {
      this.errorText = messageOf(error);
    }
    this.requestUpdate();
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
