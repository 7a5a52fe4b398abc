import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { LivePart } from '../live/live-part.js';
import { plural } from '../text/figures.js';
import { FormValues } from '../text/form-values.js';

/** Sets the number of consumers and their in-flight limit. */
export class ScaleControls extends LivePart {
  static override properties = {
    ...LivePart.properties,
    client: { attribute: false },
    target: { state: true },
    errorText: { state: true },
    notice: { state: true },
  };
  declare client: Client;
  /** The number in the field; `null`: the current number of consumers. */
  declare target: number | null;
  declare errorText: string | null;
  declare notice: string | null;

  constructor() {
    super();
    this.target = null;
    this.errorText = null;
    this.notice = null;
  }

  protected override render(): TemplateResult {
    const { latest } = this.live;
    const running = latest?.consumers?.filter(({ inFlight }) => inFlight !== null).length ?? null;
    const partitions = latest?.partitions?.length ?? null;
    const isKnown = this.target !== null || running !== null;
    const count = this.target ?? running ?? 1;
    const idle = partitions === null ? 0 : Math.max(0, count - partitions);
    return html`
      <form class="fields" @submit=${(event: SubmitEvent) => void this.scale(event, count)}>
        <div class="field">
          <label for="consumers">Consumers</label>
          <span class="stepper">
            <button
              type="button"
              aria-label="Remove one consumer"
              ?disabled=${count <= 1}
              @click=${() => this.step(count - 1)}
            >
              −
            </button>
            <input
              id="consumers"
              name="consumers"
              type="number"
              required
              min="1"
              max="64"
              step="1"
              .value=${isKnown ? String(count) : ''}
              @input=${(event: InputEvent) => this.step((event.target as HTMLInputElement).valueAsNumber)}
            />
            <button
              type="button"
              aria-label="Add one consumer"
              ?disabled=${count >= 64}
              @click=${() => this.step(count + 1)}
            >
              +
            </button>
          </span>
        </div>
        <button class="main" ?disabled=${!isKnown}>Scale</button>
      </form>
      <p class=${idle > 0 ? 'warn' : 'muted'}>
        ${
          idle > 0
            ? `${plural(idle, 'consumer')} of ${count} would be idle: each partition has one consumer, and there are ${partitions} partitions.`
            : `${running ?? 'An unknown number'} running; at most ${partitions ?? 'one per partition'} can be busy.`
        }
      </p>
      ${this.limitForm()} ${this.errorText === null ? nothing : html`<p role="alert" class="bad">${this.errorText}</p>`}
      <p class="muted" aria-live="polite">${this.notice ?? ''}</p>
    `;
  }

  /** Also called by the button of a verdict that reverts the scaling. */
  async scaleTo(count: number): Promise<void> {
    await this.attempt(async () => {
      await this.client.post('/v1/pipeline/consumers', { count });
      this.target = count;
      this.notice = `Scaling to ${plural(count, 'consumer')}: they start or drain one after another.`;
    });
  }

  async setInFlight(limit: number | 'auto' | null): Promise<void> {
    await this.attempt(async () => {
      await this.client.post('/v1/pipeline/in-flight', { limit });
      this.notice =
        limit === null
          ? 'In-flight limit reset to the value that each consumer was started with.'
          : `In-flight limit ${limit} for each consumer, effective within two seconds.`;
    });
  }

  private limitForm(): TemplateResult {
    return html`
      <form class="fields" @submit=${(event: SubmitEvent) => void this.limit(event)}>
        <label
          >In-flight limit per consumer
          <input name="limit" type="number" required min="1" max="10000" step="1" placeholder=${this.currentLimit()}
        /></label>
        <button>Apply limit</button>
        <button type="button" @click=${() => void this.setInFlight('auto')}>Use auto limit</button>
        <button type="button" @click=${() => void this.setInFlight(null)}>Reset to default</button>
      </form>
    `;
  }

  private step(count: number): void {
    this.target = Number.isNaN(count) ? null : count;
  }

  private currentLimit(): string {
    return String(this.live.latest?.consumers?.[0]?.inFlightLimit ?? 'unknown');
  }

  private async scale(event: SubmitEvent, count: number): Promise<void> {
    event.preventDefault();
    await this.scaleTo(count);
  }

  private async limit(event: SubmitEvent): Promise<void> {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    await this.setInFlight(new FormValues(form).number('limit') ?? null);
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
