import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, state } from 'lit/decorators.js';
import { LiveElement } from './page-element.js';
import { Polling } from './polling.js';
import { judgedScalings } from './scaling/scaling-advice.js';

/** The steps of the first-run guide, in their order. */
const STEPS = ['populate', 'watch', 'scale', 'query'] as const;
type Step = (typeof STEPS)[number];

/** What really happened, as far as the page can see it. `null`: unknown. */
export interface Observed {
  readonly operations: number | null;
  /** Saved per second, the highest of the last hour: the chart shows it. */
  readonly savedPerSecond: number | null;
  /** Changes of the number of consumers that have a verdict. */
  readonly scalings: number;
  /** Queries of orders that the query API has answered since it started. */
  readonly queries: number | null;
}

/** The progress of the guide in one browser. */
interface GuideProgress {
  readonly done: readonly Step[];
  readonly isDismissed: boolean;
}

export const NEW_GUIDE: GuideProgress = { done: [], isDismissed: false };

/** Decides which steps an observation completes. Queries are compared with those of the observation before. */
export class StepWatch {
  private queries: number | null = null;

  take({ operations, savedPerSecond, scalings, queries }: Observed): readonly Step[] {
    // A query API that restarts begins at 0 again.
    const isQueried = this.queries !== null && queries !== null && queries > this.queries;
    this.queries = queries ?? this.queries;
    const happened: Readonly<Record<Step, boolean>> = {
      populate: operations !== null && operations > 0,
      watch: savedPerSecond !== null && savedPerSecond > 0,
      scale: scalings > 0,
      query: isQueried,
    };
    return STEPS.filter((step) => happened[step]);
  }
}

/** Returns the progress with further steps; the same object when nothing is new. */
export function withSteps(progress: GuideProgress, steps: readonly Step[]): GuideProgress {
  const done = STEPS.filter((step) => progress.done.includes(step) || steps.includes(step));
  return done.length === progress.done.length ? progress : { ...progress, done };
}

/** Reads the stored progress. Anything else than what `JSON.stringify` of a progress returns is a new guide. */
export function readProgress(text: string | null): GuideProgress {
  try {
    const { done, isDismissed } = JSON.parse(text ?? '') as { done?: unknown; isDismissed?: unknown };
    return {
      done: STEPS.filter((step) => Array.isArray(done) && done.includes(step)),
      isDismissed: isDismissed === true,
    };
  } catch {
    // Nothing is stored yet, or it is of another version of the page.
    return NEW_GUIDE;
  }
}

/** A name that only the console's own network or machine resolves. */
const INTERNAL_NAME = /^(?:localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\]|[^.:]+)$/;

/**
 * Returns the address of the query API's Swagger UI for this browser. When the console reaches the query API by a loopback address or by a
 * name without dots, as in Compose, the browser reaches it on the page's host at the same port.
 */
export function swaggerUrl(queryApiUrl: string, pageHost: string): string {
  const url = new URL('/docs', queryApiUrl);
  if (INTERNAL_NAME.test(url.hostname)) url.hostname = pageHost;
  return url.href;
}

const ORDERS_ANSWERED =
  /^http_request_duration_seconds_count\{.*route="\/v1\/orders[^"]*",status="2xx"\} (?<count>\d+)$/gm;

/** Counts the queries of orders that the query API has answered, from its Prometheus metrics. */
export function countQueries(metrics: string): number {
  return [...metrics.matchAll(ORDERS_ANSWERED)].reduce((sum, { groups }) => sum + Number(groups?.['count']), 0);
}

const STORED = 'orders-guide';
const COUNT_QUERIES_MS = 2_000;

/** Guides through generating the first test orders, watching, scaling and querying. Each step is checked off by what really happened. */
export class FirstRunGuide extends LiveElement {
  @state() progress: GuideProgress = NEW_GUIDE;
  /** Where browsers reach the query API, as far as the console knows; `null`: unknown. */
  @property({ attribute: false }) queryApiUrl: string | null = null;
  private readonly watch = new StepWatch();
  private queries: number | null = null;
  private readonly polling = new Polling({
    read: async () => (this.isCounting ? countQueries(await this.readMetrics()) : this.queries),
    show: (queries) => this.counted(queries),
    // Unknown until the query API answers again.
    fail: () => this.counted(null),
  });

  constructor() {
    super();
    this.follow(this.operations, () => this.changed());
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.progress = readProgress(localStorage.getItem(STORED));
    this.polling.start();
  }

  override disconnectedCallback(): void {
    this.polling.stop();
    super.disconnectedCallback();
  }

  /** Shows the guide again, with what is done. */
  open(): void {
    this.store({ ...this.progress, isDismissed: false });
    void this.updateComplete.then(() => this.querySelector('h2')?.focus());
  }

  get isOpen(): boolean {
    return !this.progress.isDismissed;
  }

  private get isFinished(): boolean {
    return this.progress.done.length === STEPS.length;
  }

  protected override changed(): void {
    if (this.isFinished) return;
    // What is to do next depends on the state of the pipeline.
    super.changed();
    const { changes, history } = this.live;
    const steps = this.watch.take({
      operations: this.operations.newest?.length ?? null,
      savedPerSecond: Math.max(0, ...history.points(0).values.saved.map((rate) => rate ?? 0)),
      scalings: judgedScalings(changes),
      queries: this.queries,
    });
    const progress = withSteps(this.progress, steps);
    if (progress !== this.progress) this.store(progress);
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has('progress')) this.dispatchEvent(new Event('change'));
  }

  protected override render(): TemplateResult | typeof nothing {
    if (!this.isOpen) return nothing;
    const { isFinished, progress } = this;
    return html`<section class="card wide" aria-labelledby="guide-title">
      <div class="row">
        <h2 id="guide-title" tabindex="-1">First steps</h2>
        <span class="muted" role="status"
          >${isFinished ? 'all done' : `${progress.done.length} of ${STEPS.length} done`}</span
        >
        <button @click=${() => this.store({ ...this.progress, isDismissed: true })}>Hide guide</button>
      </div>
      <ol class="steps">
        ${STEPS.map((step) => this.stepView(step))}
      </ol>
    </section>`;
  }

  private stepView(step: Step): TemplateResult {
    const isDone = this.progress.done.includes(step);
    return html`<li class=${isDone ? 'done' : nothing}>
      <div class="row">
        <b>${TITLES[step]}</b>
        <span class="status ${isDone ? 'good' : 'muted'}">${isDone ? '✓ done' : 'not done yet'}</span>
      </div>
      ${isDone ? nothing : html`<p class="muted">${this.stepText(step)}</p>`}
      ${step === 'scale' ? html`<scaling-demo></scaling-demo>` : nothing}
    </li>`;
  }

  private stepText(step: Step): TemplateResult {
    switch (step) {
      case 'populate':
        return html`<a href="#populate">Test orders</a>: press “Generate” for 100,000 of them.`;
      case 'watch':
        return html`<a href="#now">Now</a>: “Saved” rises, and the lag falls to 0 when every order is saved.`;
      case 'scale':
        return html`1 and then 3 consumers save test orders with a low in-flight limit, for about a minute. The limit
          and the number of consumers are restored. Or scale by hand: <a href="#scale">Scale</a>.`;
      case 'query':
        return html`${this.swaggerLink()}: open GET /v1/orders, press “Try it out”, then “Execute”. Or
          <a href="#orders">find orders</a> here.`;
    }
  }

  private swaggerLink(): TemplateResult {
    if (this.queryApiUrl === null) return html`Swagger UI`;
    const url = swaggerUrl(this.queryApiUrl, location.hostname);
    return html`<a href=${url} target="_blank" rel="noopener">Swagger UI</a>`;
  }

  private store(progress: GuideProgress): void {
    this.progress = progress;
    localStorage.setItem(STORED, JSON.stringify(progress));
  }

  /** Only while the step of the query is to be done. A hidden tab counts when the user returns from Swagger UI. */
  private get isCounting(): boolean {
    return document.visibilityState === 'visible' && this.isOpen && !this.progress.done.includes('query');
  }

  private async readMetrics(): Promise<string> {
    const signal = AbortSignal.timeout(COUNT_QUERIES_MS);
    return (await this.client.request('/query-api/metrics', { signal })).text();
  }

  private counted(queries: number | null): number {
    this.queries = queries;
    this.changed();
    return COUNT_QUERIES_MS;
  }
}

const TITLES: Readonly<Record<Step, string>> = {
  populate: '1. Generate test orders',
  watch: '2. Watch',
  scale: '3. Scale',
  query: '4. Query',
};
