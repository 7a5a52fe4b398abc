import { html, nothing, type TemplateResult } from 'lit';
import type { ReportedChange, SetUp } from '../../src/pipeline/pipeline-response.js';
import { LiveElement } from '../page-element.js';
import { duration, figure, limitText, plural } from '../figures.js';
import type { ScaleControls } from './scale-controls.js';

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
