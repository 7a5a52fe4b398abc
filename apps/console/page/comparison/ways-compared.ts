import { html, nothing, type TemplateResult } from 'lit';
import type { ComparisonResponse } from '../../src/comparison/comparison-response.js';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { Part } from '../part.js';
import { duration, figure, UNKNOWN } from '../text/figures.js';
import { comparisonText, hasFailed } from './comparison-text.js';
import { logarithmicShare } from './logarithmic-share.js';

type Way = ComparisonResponse['ways'][number];

const LOOK_EVERY_MS = 1_500;
const LEAST_SECONDS = 0.5;

/** The same orders saved in each way there is, beside what is possible: a second pipeline does it, on data of its own. */
export class WaysCompared extends Part {
  static override properties = {
    client: { attribute: false },
    comparison: { state: true },
    refusal: { state: true },
    isStarting: { state: true },
    isStopping: { state: true },
  };
  declare client: Client;
  declare comparison: ComparisonResponse | null;
  declare refusal: string | null;
  /** It was asked for, and there is no answer yet. */
  declare isStarting: boolean;
  /** It was asked to end, and hasn't yet. */
  declare isStopping: boolean;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.comparison = null;
    this.refusal = null;
    this.isStarting = false;
    this.isStopping = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.client.session.addEventListener('change', this.onSession);
    if (!this.client.session.isReturning) void this.look();
  }

  override disconnectedCallback(): void {
    clearTimeout(this.timer);
    this.client.session.removeEventListener('change', this.onSession);
    super.disconnectedCallback();
  }

  protected override render(): TemplateResult {
    const { comparison, isStarting, isStopping } = this;
    const isRunning = comparison?.state === 'running';
    // Stop stands beside Compare and not in its place, where the second click of a double click would meet it.
    return html`
      <p class="muted">
        1,000 orders whose saves take 0 to 1 s each: one after another, one at a time per partition, and in flight. It
        takes a minute and a half, on a second pipeline with data of its own.
      </p>
      <div class="row">
        <button class="main" ?disabled=${isRunning || isStarting} @click=${() => void this.start()}>Compare</button>
        ${isRunning ? html`<button ?disabled=${isStopping} @click=${() => void this.stop()}>Stop</button>` : nothing}
        <span class="told ${hasFailed(comparison) ? 'bad' : 'muted'}" role="status"
          >${comparisonText(comparison, isStopping)}</span
        >
      </div>
      ${this.refusal === null ? nothing : html`<p role="alert" class="bad">${this.refusal}</p>`}
      ${comparison === null || comparison.ways.length === 0 ? nothing : waysView(comparison)}
    `;
  }

  private readonly onSession = (): void => {
    if (!this.client.session.isNeeded) void this.look();
  };

  private async look(): Promise<void> {
    clearTimeout(this.timer);
    try {
      this.comparison = await this.client.get<ComparisonResponse>('/v1/comparison');
    } catch {
      // Whatever it is, the connection's state tells it; what was known last stays, and is asked for again.
    }
    if (this.comparison?.state === 'running') this.timer = setTimeout(() => void this.look(), LOOK_EVERY_MS);
    else this.isStopping = false;
  }

  private async start(): Promise<void> {
    this.isStarting = true;
    await this.tried('/v1/comparison');
    this.isStarting = false;
    await this.look();
  }

  private async stop(): Promise<void> {
    this.isStopping = true;
    this.isStopping = await this.tried('/v1/comparison/stop');
    await this.look();
  }

  /** @returns whether it was taken */
  private async tried(path: string): Promise<boolean> {
    try {
      this.comparison = await this.client.post<ComparisonResponse>(path);
      this.refusal = null;
    } catch (error) {
      this.refusal = messageOf(error);
    }
    return this.refusal === null;
  }
}

function waysView({ ways, current }: ComparisonResponse): TemplateResult {
  const most = Math.max(...ways.flatMap(({ theorySeconds, seconds }) => [theorySeconds, seconds ?? 0]));
  return html`<div class="scrolls" tabindex="0" role="region" aria-label="Table of the ways">
    <table class="ways">
      <thead>
        <tr>
          <th scope="col">Way</th>
          <th scope="col" class="number">Consumers</th>
          <th scope="col" class="number">Takes</th>
          <th scope="col" class="number">Possible</th>
          <th scope="col" class="number">Faster</th>
          <th scope="col" class="bars">On a logarithmic axis; the line is what is possible</th>
        </tr>
      </thead>
      <tbody>
        ${ways.map((way) => wayRow(way, most, way.name === current))}
      </tbody>
    </table>
  </div>`;
}

function wayRow(way: Way, most: number, isCurrent: boolean): TemplateResult {
  const { label, ordering, consumers, seconds, theorySeconds, timesFaster, sampled, measuredOrders } = way;
  const share = (value: number): string => `${(100 * logarithmicShare(value, LEAST_SECONDS, most)).toFixed(1)}%`;
  return html`<tr class=${isCurrent ? 'current' : ''}>
    <th scope="row">
      ${label}${sampled ? html`<br /><small>calculated from ${figure(measuredOrders)} orders</small>` : nothing}
    </th>
    <td class="number">${consumers}</td>
    <td class="number">${seconds === null ? (isCurrent ? '…' : UNKNOWN) : duration(seconds)}</td>
    <td class="number">${duration(theorySeconds)}</td>
    <td class="number">${timesFaster === null ? UNKNOWN : `x${figure(timesFaster)}`}</td>
    <td class="bars" aria-hidden="true">
      <div class="bar ${ordering}">
        ${seconds === null ? nothing : html`<i style="width: ${share(seconds)}"></i>`}<b
          style="left: ${share(theorySeconds)}"
        ></b>
      </div>
    </td>
  </tr>`;
}
