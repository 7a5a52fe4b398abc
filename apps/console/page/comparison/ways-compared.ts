import { html, nothing, type TemplateResult } from 'lit';
import type { ComparisonResponse } from '../../src/comparison/comparison-response.js';
import type { Client } from '../api/client.js';
import { messageOf } from '../api/problem.js';
import { Part } from '../part.js';
import { duration, figure, UNKNOWN } from '../text/figures.js';
import { comparisonText, hasFailed } from './comparison-text.js';
import { logarithmicShare } from './logarithmic-share.js';

type Way = ComparisonResponse['ways'][number];

const POLL_MS = 1_500;
const AXIS_START_SECONDS = 0.5;

/** Compares the ways to save with each other and with the theoretical minimum. A second pipeline runs them, on separate data. */
export class WaysCompared extends Part {
  static override properties = {
    client: { attribute: false },
    comparison: { state: true },
    errorText: { state: true },
    isStarting: { state: true },
    isStopping: { state: true },
  };
  declare client: Client;
  declare comparison: ComparisonResponse | null;
  declare errorText: string | null;
  /** A start is requested and not answered yet. */
  declare isStarting: boolean;
  /** A stop is requested and the comparison is still running. */
  declare isStopping: boolean;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor() {
    super();
    this.comparison = null;
    this.errorText = null;
    this.isStarting = false;
    this.isStopping = false;
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.client.session.addEventListener('change', this.onSession);
    if (!this.client.session.isReturning) void this.load();
  }

  override disconnectedCallback(): void {
    clearTimeout(this.timer);
    this.client.session.removeEventListener('change', this.onSession);
    super.disconnectedCallback();
  }

  protected override render(): TemplateResult {
    const { comparison, isStarting, isStopping } = this;
    const isRunning = comparison?.state === 'running';
    // Stop is beside Compare, not in its place: there the second click of a double click would hit it.
    return html`
      <p class="muted">
        Saves 1,000 orders, 0 to 1 s each: one after another, one at a time per partition, and in flight. Runs for about
        1.5 minutes on a second pipeline with separate data.
      </p>
      <div class="row">
        <button class="main" ?disabled=${isRunning || isStarting} @click=${() => void this.start()}>Compare</button>
        ${isRunning ? html`<button ?disabled=${isStopping} @click=${() => void this.stop()}>Stop</button>` : nothing}
        <span class="message ${hasFailed(comparison) ? 'bad' : 'muted'}" role="status"
          >${comparisonText(comparison, isStopping)}</span
        >
      </div>
      ${this.errorText === null ? nothing : html`<p role="alert" class="bad">${this.errorText}</p>`}
      ${comparison === null || comparison.ways.length === 0 ? nothing : waysView(comparison)}
    `;
  }

  private readonly onSession = (): void => {
    if (!this.client.session.isNeeded) void this.load();
  };

  private async load(): Promise<void> {
    clearTimeout(this.timer);
    try {
      this.comparison = await this.client.get<ComparisonResponse>('/v1/comparison');
    } catch {
      // The connection status shows the error. The last known state stays and is polled again.
    }
    if (this.comparison?.state === 'running') this.timer = setTimeout(() => void this.load(), POLL_MS);
    else this.isStopping = false;
  }

  private async start(): Promise<void> {
    this.isStarting = true;
    await this.attempt('/v1/comparison');
    this.isStarting = false;
    await this.load();
  }

  private async stop(): Promise<void> {
    this.isStopping = true;
    this.isStopping = await this.attempt('/v1/comparison/stop');
    await this.load();
  }

  /** @returns whether the request was accepted */
  private async attempt(path: string): Promise<boolean> {
    try {
      this.comparison = await this.client.post<ComparisonResponse>(path);
      this.errorText = null;
    } catch (error) {
      this.errorText = messageOf(error);
    }
    return this.errorText === null;
  }
}

function waysView({ ways, current }: ComparisonResponse): TemplateResult {
  const most = Math.max(...ways.flatMap(({ theorySeconds, seconds }) => [theorySeconds, seconds ?? 0]));
  return html`<div class="scrolls" tabindex="0" role="region" aria-label="Compared ways to save">
    <table class="ways">
      <thead>
        <tr>
          <th scope="col">Way</th>
          <th scope="col" class="number">Consumers</th>
          <th scope="col" class="number">Measured</th>
          <th scope="col" class="number">Theoretical</th>
          <th scope="col" class="number">Speed-up</th>
          <th scope="col" class="bars">Measured time, logarithmic; the line is the theoretical minimum</th>
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
  const share = (value: number): string => `${(100 * logarithmicShare(value, AXIS_START_SECONDS, most)).toFixed(1)}%`;
  return html`<tr class=${isCurrent ? 'current' : ''}>
    <th scope="row">
      ${label}${sampled ? html`<br /><small>extrapolated from ${figure(measuredOrders)} orders</small>` : nothing}
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
