import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { submitNumbers } from '../forms/number-field.js';
import { LivePart } from '../live/live-part.js';
import { figure, plural } from '../text/figures.js';
import { autoLimitHint, verdictHint } from './scaling-hints.js';
import { runningConsumers, scalingNotice, type InFlightLimit, type ScalingRequest } from './scaling-notice.js';

/** As many as the API accepts. */
const MAX_CONSUMERS = 64;

/** Sets the number of consumers and their in-flight limit. */
export class ScaleControls extends LivePart {
  static override properties = {
    ...LivePart.properties,
    client: { attribute: false },
    target: { state: true },
    errorText: { state: true },
    requested: { state: true },
  };
  declare client: Client;
  /** The number in the field; `null`: the requested or else the current number of consumers. */
  declare target: number | null;
  declare errorText: string | null;
  /** The last request of this page. */
  declare requested: ScalingRequest | null;

  constructor() {
    super();
    this.target = null;
    this.errorText = null;
    this.requested = null;
  }

  protected override render(): TemplateResult {
    const { latest, now } = this.live;
    const running = latest && runningConsumers(latest);
    const known = this.target ?? latest?.scaling?.count ?? running;
    const count = known ?? 1;
    return html`
      <form class="fields" @submit=${(event: SubmitEvent) => void this.scale(event, count)}>
        ${this.stepper(count, known !== null)}
        <button class="main" ?disabled=${known === null}>Scale</button>
      </form>
      ${this.capacity(count, running)} ${this.hint(count)} ${this.limitForm()}
      ${this.errorText === null ? nothing : html`<p role="alert" class="bad">${this.errorText}</p>`}
      <p class="muted" aria-live="polite">${(latest && scalingNotice(latest, this.requested, now)) ?? ''}</p>
    `;
  }

  /** Also called by the button of a verdict that reverts the scaling. */
  async scaleTo(count: number): Promise<void> {
    await this.attempt(async () => {
      await this.client.post('/v1/pipeline/consumers', { count });
      this.requested = { kind: 'consumers', count, at: this.live.now };
      this.target = null;
    });
  }

  async setInFlight(limit: InFlightLimit): Promise<void> {
    await this.attempt(async () => {
      await this.client.post('/v1/pipeline/in-flight', { limit });
      this.requested = { kind: 'limit', limit, at: this.live.now };
    });
  }

  private stepper(count: number, isKnown: boolean): TemplateResult {
    const step = (by: number, name: string, sign: string): TemplateResult => {
      const isAtEnd = count + by < 1 || count + by > MAX_CONSUMERS;
      const onClick = (): void => this.step(count + by);
      return html`<button type="button" aria-label=${name} ?disabled=${isAtEnd} @click=${onClick}>${sign}</button>`;
    };
    return html`<div class="field">
      <label for="consumers">Consumers</label>
      <span class="stepper">
        ${step(-1, 'Remove one consumer', '−')}
        <input
          id="consumers"
          name="consumers"
          type="number"
          required
          min="1"
          max=${MAX_CONSUMERS}
          step="1"
          .value=${isKnown ? String(count) : ''}
          @input=${(event: InputEvent) => this.step((event.target as HTMLInputElement).valueAsNumber)}
        />
        ${step(1, 'Add one consumer', '+')}
      </span>
    </div>`;
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
    const { latest } = this.live;
    const hint = latest && verdictHint(latest, count);
    return hint ? html`<p class=${hint.isWarning ? 'warn' : 'muted'}>${hint.text}</p>` : nothing;
  }

  private limitForm(): TemplateResult {
    const { latest } = this.live;
    const hint = latest && autoLimitHint(latest);
    return html`
      <form class="fields" @submit=${(event: SubmitEvent) => void this.limit(event)}>
        <number-field
          label="In-flight limit per consumer"
          name="limit"
          required
          whole
          min="1"
          max="10000"
          placeholder=${this.currentLimit()}
        ></number-field>
        <button>Apply limit</button>
        <button type="button" @click=${() => void this.setInFlight('auto')}>Use auto limit</button>
        <button type="button" @click=${() => void this.setInFlight(null)}>Reset to default</button>
      </form>
      ${hint ? html`<p class="hint">${hint}</p>` : nothing}
    `;
  }

  private step(count: number): void {
    this.target = Number.isNaN(count) ? null : count;
  }

  private currentLimit(): string {
    return figure(this.live.latest?.consumers?.find(({ inFlight }) => inFlight !== null)?.inFlightLimit);
  }

  private async scale(event: SubmitEvent, count: number): Promise<void> {
    event.preventDefault();
    await this.scaleTo(count);
  }

  private async limit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const values = submitNumbers(form);
    if (values?.['limit'] === undefined) return;
    await this.setInFlight(values['limit']);
    form.reset();
  }

  private async attempt(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.errorText = null;
    } catch (error) {
      this.errorText = messageOf(error);
    }
  }
}
