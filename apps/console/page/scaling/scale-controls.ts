import { html, nothing, type TemplateResult } from 'lit';
import { state } from 'lit/decorators.js';
import type { ReportedChange, SetUp } from '../../src/pipeline/pipeline-response.js';
import type { ScalingResponse } from '../../src/scaling/scaling-request.js';
import { submitNumbers, type NumberField } from '../form-fields.js';
import { LiveElement } from '../page-element.js';
import { unsentOrders } from '../populate/operations.js';
import { duration, figure, limitText, plural } from '../figures.js';
import { RequestState } from '../request-state.js';
import { fullRate, autoLimitHint, verdictHint } from './scaling-advice.js';
import {
  OwnScalings,
  wantedConsumers,
  runningConsumers,
  scalingNotice,
  type InFlightLimit,
  type LimitRequest,
} from './scaling-notice.js';

/** As many as the API accepts. */
const MAX_CONSUMERS = 64;
/** Consumers have memory for as many, or for those of their limit at the start. */
const MAX_LIMIT = 10_000;

/** Sets the number of consumers and their in-flight limit. */
export class ScaleControls extends LiveElement {
  /** The number that was typed; `null`: the field has no number; `undefined`: the field shows how many there should be. */
  @state() target: number | null | undefined;
  private readonly request = new RequestState(this);
  private readonly own = new OwnScalings();
  private limitRequest: LimitRequest | null = null;

  protected override render(): TemplateResult {
    const { latest, now } = this.live;
    const running = latest && runningConsumers(latest);
    const requests = { scaling: this.own.last, limit: this.limitRequest };
    const shown = latest && wantedConsumers(latest, requests.scaling);
    const count = this.target === undefined ? shown : this.target;
    return html`
      <form
        id="scale-form"
        class="fields"
        novalidate
        @submit=${(event: SubmitEvent) => void this.scale(event)}
        @input=${(event: Event) => this.typed(event.currentTarget as HTMLFormElement)}
      >
        <number-field
          label="Consumers"
          name="count"
          required
          whole
          step-unit="consumer"
          min="1"
          max=${MAX_CONSUMERS}
          value=${shown ?? ''}
        ></number-field>
        <button class="main" ?disabled=${shown === null}>Scale</button>
      </form>
      ${this.capacity(count ?? 0, running)} ${count === null ? nothing : this.hint(count)} ${this.limitForm()}
      ${this.request.failureView()}
      <p class="muted" aria-live="polite">${(latest && scalingNotice(latest, requests, now)) ?? ''}</p>
    `;
  }

  /** Also called by the button of a verdict that reverts the scaling. */
  async scaleTo(count: number): Promise<void> {
    const sent = this.own.send(count, this.live.now);
    this.limitRequest = null;
    this.requestUpdate();
    await this.attempt(async () => {
      const { request } = await this.client.post<ScalingResponse>('/v1/pipeline/consumers', { count });
      this.own.answered(sent, request);
      this.target = undefined;
      this.querySelector<HTMLFormElement>('#scale-form')?.reset();
    });
  }

  async setInFlight(limit: InFlightLimit): Promise<void> {
    await this.attempt(async () => {
      await this.client.post('/v1/pipeline/in-flight', { limit });
      this.limitRequest = { limit, at: this.live.now };
      this.querySelector<HTMLFormElement>('#limit-form')?.reset();
    });
  }

  /** A console that is reached again may have restarted, and then counts requests anew. */
  protected override changed(): void {
    if (this.live.state !== 'live') this.own.forget();
    super.changed();
  }

  private capacity(count: number, running: number | null): TemplateResult {
    const partitions = this.live.latest?.partitions?.length ?? null;
    const idle = partitions === null ? 0 : Math.max(0, count - partitions);
    if (idle > 0)
      return html`<p class="warn">
        ${plural(idle, 'consumer')} of ${count} would be idle: each partition has one consumer, and there are
        ${partitions} partitions.
      </p>`;
    return html`<p class="muted">
      ${running ?? 'An unknown number'} running; at most ${partitions ?? 'one per partition'} can be busy.
    </p>`;
  }

  private hint(count: number): TemplateResult | typeof nothing {
    const { latest, history } = this.live;
    if (latest === null) return nothing;
    const unsent = unsentOrders(this.operations.newest);
    const hint = verdictHint(latest, count, { fullRate: fullRate(history, latest), unsent });
    return hint ? html`<p class=${hint.isWarning ? 'warn' : 'muted'}>${hint.text}</p>` : nothing;
  }

  private limitForm(): TemplateResult {
    const { latest } = this.live;
    const hint = latest && autoLimitHint(latest);
    const current = this.currentLimit();
    return html`
      <form id="limit-form" class="fields" novalidate @submit=${(event: SubmitEvent) => void this.limit(event)}>
        <number-field
          label="In-flight limit per consumer"
          name="limit"
          required
          whole
          min="1"
          max=${MAX_LIMIT}
          placeholder=${figure(current)}
        ></number-field>
        <button>Apply limit</button>
        <button type="button" @click=${() => void this.setInFlight('auto')}>Use auto limit</button>
        <button type="button" @click=${() => void this.setInFlight(null)}>Reset to default</button>
      </form>
      ${hint ? html`<p class="hint">${hint}</p>` : nothing}
      ${
        current !== undefined && current > MAX_LIMIT
          ? html`<p class="muted">
              ${figure(current)} was set at the start, with the memory that it needs. Here, at most ${figure(MAX_LIMIT)}
              can be set.
            </p>`
          : nothing
      }
    `;
  }

  private typed(form: HTMLFormElement): void {
    this.target = form.querySelector<NumberField>('number-field')?.number ?? null;
  }

  private currentLimit(): number | undefined {
    return this.live.latest?.consumers?.find(({ inFlight }) => inFlight !== null)?.inFlightLimit ?? undefined;
  }

  private async scale(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const count = submitNumbers(event.target as HTMLFormElement)?.['count'];
    if (count !== undefined) await this.scaleTo(count);
  }

  private async limit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const limit = submitNumbers(event.target as HTMLFormElement)?.['limit'];
    if (limit !== undefined) await this.setInFlight(limit);
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    await this.request.run(async () => {
      try {
        await work();
      } catch (error) {
        // The console may have received it nevertheless.
        this.own.forget();
        throw error;
      }
    });
  }
}

const SHOWN = 4;

/** Shows the verdict on each recent scaling, with a button that reverts it. */
export class ScalingVerdicts extends LiveElement {
  protected override render(): TemplateResult {
    const changes = this.live.latest?.changes.filter(({ kind }) => kind === 'scaling').slice(-SHOWN) ?? [];
    // The live region holds the verdict only: a screen reader would read the age of the change every second.
    return html`<p class="hidden" role="status">${changes.at(-1)?.verdict?.text ?? ''}</p>
      ${this.list(changes)}`;
  }

  private list(changes: readonly ReportedChange[]): TemplateResult {
    if (changes.length === 0)
      return html`<p class="muted">
        After each change a verdict appears here: whether it helped, and what limits the throughput. It compares the
        rates before and after, so there must be orders to save all the time.
      </p>`;
    return html`<ol class="verdicts">
      ${changes.toReversed().map((change) => this.changeView(change))}
    </ol>`;
  }

  private changeView(change: ReportedChange): TemplateResult {
    const { from, to, before, after, verdict, secondsAgo } = change;
    if (from === null || to === null) return html``;
    const isExpected = verdict?.outcome === 'slower' && isReduction(from, to);
    return html`<li class=${verdict === null || isExpected ? 'measured' : verdict.outcome}>
      <div class="row">
        <b>${setUpText(from, to)}</b>
        <span class="muted">${duration(secondsAgo)} ago</span>
      </div>
      <div>${verdict === null ? 'measuring: waiting until the pipeline settles' : verdict.text}</div>
      <div class="row muted">
        <span title="Saved per second, over up to 8 s before the change and up to 8 s after it settled"
          >saved/s ${figure(before)} before, ${figure(after)} after</span
        >
        ${verdict === null || this.isBack(from, to) ? nothing : html`<button @click=${() => void this.goBack(from, to)}>Back to ${wayBackText(from, to)}</button>`}
      </div>
    </li>`;
  }

  /** Whether the number of consumers is that of before the change again. */
  private isBack(from: SetUp, to: SetUp): boolean {
    return from.consumers !== to.consumers && from.consumers === this.live.latest?.configuredConsumers;
  }

  private async goBack(from: SetUp, to: SetUp): Promise<void> {
    const controls = document.querySelector<ScaleControls>('scale-controls');
    if (from.consumers !== to.consumers) await controls?.scaleTo(from.consumers);
    if (from.inFlight !== to.inFlight) await controls?.setInFlight(from.inFlight);
  }
}

/** Less capacity is slower as planned, which is no error. */
function isReduction(from: SetUp, to: SetUp): boolean {
  const isLower = typeof from.inFlight === 'number' && typeof to.inFlight === 'number' && to.inFlight < from.inFlight;
  return to.consumers < from.consumers || isLower;
}

function setUpText(from: SetUp, to: SetUp): string {
  const consumers = from.consumers === to.consumers ? [] : [`${from.consumers} → ${plural(to.consumers, 'consumer')}`];
  const inFlight =
    from.inFlight === to.inFlight ? [] : [`${limitText(from.inFlight)} → ${limitText(to.inFlight)} in flight`];
  return [...consumers, ...inFlight].join(', ');
}

function wayBackText(from: SetUp, to: SetUp): string {
  if (from.consumers !== to.consumers) return plural(from.consumers, 'consumer');
  return from.inFlight === null ? 'the default limit' : `${limitText(from.inFlight)} in flight`;
}
