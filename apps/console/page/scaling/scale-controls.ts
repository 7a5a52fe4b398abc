import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { LivePart } from '../live/live-part.js';
import { plural } from '../text/figures.js';
import { FormValues } from '../text/form-values.js';

/** How many consumers there are, and how much each has in flight. */
export class ScaleControls extends LivePart {
  static override properties = {
    ...LivePart.properties,
    client: { attribute: false },
    wanted: { state: true },
    refusal: { state: true },
    told: { state: true },
  };
  declare client: Client;
  /** What stands in the field; `null`: as many as there are. */
  declare wanted: number | null;
  declare refusal: string | null;
  declare told: string | null;

  constructor() {
    super();
    this.wanted = null;
    this.refusal = null;
    this.told = null;
  }

  protected override render(): TemplateResult {
    const { latest } = this.live;
    const there = latest?.consumers?.filter(({ inFlight }) => inFlight !== null).length ?? null;
    const partitions = latest?.partitions?.length ?? null;
    const isKnown = this.wanted !== null || there !== null;
    const count = this.wanted ?? there ?? 1;
    const idle = partitions === null ? 0 : Math.max(0, count - partitions);
    return html`
      <form class="fields" @submit=${(event: SubmitEvent) => void this.scale(event, count)}>
        <div class="field">
          <label for="consumers">Consumers</label>
          <span class="stepper">
            <button type="button" aria-label="one less" ?disabled=${count <= 1} @click=${() => this.step(count - 1)}>
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
            <button type="button" aria-label="one more" ?disabled=${count >= 64} @click=${() => this.step(count + 1)}>
              +
            </button>
          </span>
        </div>
        <button class="main" ?disabled=${!isKnown}>Scale</button>
      </form>
      <p class=${idle > 0 ? 'warn' : 'muted'}>
        ${
          idle > 0
            ? `${plural(idle, 'consumer')} of ${count} would be idle: a partition has one consumer, and there are ${partitions}.`
            : `${there ?? 'An unknown number'} running; up to ${partitions ?? 'as many as there are partitions'} share the partitions.`
        }
      </p>
      <form class="fields" @submit=${(event: SubmitEvent) => void this.limit(event)}>
        <label
          >In flight, each
          <input name="limit" type="number" required min="1" max="10000" step="1" placeholder=${this.setLimit()}
        /></label>
        <button>Set</button>
        <button type="button" @click=${() => void this.setInFlight('auto')}>Let it find itself</button>
        <button type="button" @click=${() => void this.setInFlight(null)}>As started</button>
      </form>
      ${this.refusal === null ? nothing : html`<p role="alert" class="bad">${this.refusal}</p>`}
      <p class="muted" aria-live="polite">${this.told ?? ''}</p>
    `;
  }

  /** Also the way back of a verdict. */
  async scaleTo(count: number): Promise<void> {
    await this.tried(async () => {
      await this.client.post('/v1/pipeline/consumers', { count });
      this.wanted = count;
      this.told = `${plural(count, 'consumer')} from now on: they start, or drain, one after another.`;
    });
  }

  async setInFlight(limit: number | 'auto' | null): Promise<void> {
    await this.tried(async () => {
      await this.client.post('/v1/pipeline/in-flight', { limit });
      this.told = limit === null ? 'As each was started.' : `${limit} in flight in each, within a second or two.`;
    });
  }

  private step(count: number): void {
    this.wanted = Number.isNaN(count) ? null : count;
  }

  private setLimit(): string {
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

  private async tried(work: () => Promise<void>): Promise<void> {
    try {
      await work();
      this.refusal = null;
    } catch (error) {
      this.refusal = messageOf(error);
    }
  }
}
