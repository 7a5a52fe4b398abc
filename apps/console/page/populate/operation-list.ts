import type { Operation } from '#api/producer.js';
import { html, nothing, type TemplateResult } from 'lit';
import { property } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { PageElement } from '../page-element.js';
import { hashOf } from '../routing.js';
import { duration, moment, plural, figure } from '../figures.js';
import type { Confirmation } from '../confirm-dialog.js';
import { RequestState } from '../request-state.js';
import { sendingSeconds, timeWord, extraLettersText, isInProgress, stateOf } from './operations.js';

/** Lists the newest operations with their progress, and older ones on request. */
export class OperationList extends PageElement {
  private readonly request = new RequestState(this);

  constructor() {
    super();
    this.follow(this.operations);
  }

  protected override render(): TemplateResult {
    const { newest, reason, hasMore } = this.operations;
    if (newest === null)
      return html`<p class="unknown">Operations are unknown${reason === null ? ': loading.' : `: ${reason}`}</p>`;
    if (newest.length === 0)
      return html`<p class="muted">No operations yet. Press “Generate”, and follow the progress here.</p>`;
    return html`
      <ul class="operations">
        ${repeat(
          newest,
          ({ id }) => id,
          (operation) => this.operationView(operation),
        )}
      </ul>
      ${hasMore ? html`<button @click=${() => void this.request.run(async () => this.operations.showMore())}>Show older operations</button>` : nothing}
      ${this.request.failureView()}
    `;
  }

  private operationView(operation: Operation): TemplateResult {
    const { id, kind, count, requestedAt } = operation;
    const amount = count === null ? '' : `${plural(count, kind === 'redrive' ? 'dead letter' : 'order')}, `;
    return html`<li>
      <div class="row">
        <b>${kind}</b>
        ${stateView(operation)}
        <span class="muted">${amount}${moment(requestedAt)}${tookText(operation)}</span>
      </div>
      <a href=${hashOf({ view: 'operation', id })} title="Show this operation"><code>${id}</code></a>
      ${progressView(operation)}
      <operation-actions .operation=${operation}></operation-actions>
    </li>`;
  }
}

function tookText(operation: Operation): string {
  const seconds = sendingSeconds(operation, Date.now());
  if (seconds === null) return '';
  if (operation.finishedAt === null) return `, for ${duration(seconds)}`;
  return `, ${timeWord(operation)} ${duration(seconds)}`;
}

/** Shows the state of an operation as a label. */
export function stateView(operation: Operation): TemplateResult {
  const { text, tone } = stateOf(operation);
  return html`<span class="status ${tone}">${text}</span>`;
}

/** Shows how much of an operation is in Kafka and saved: as a bar, and in figures. */
export function progressView(operation: Operation): TemplateResult {
  const { count, acked, saved, savedAsOf, error } = operation;
  const share = (part: number | null): number => (count ? Math.round((1_000 * (part ?? 0)) / count) / 10 : 0);
  return html`<div
      class="progress"
      role="progressbar"
      aria-label="Saved"
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow=${share(saved)}
    >
      <i class="acked" style="width: ${share(acked)}%"></i><i class="saved" style="width: ${share(saved)}%"></i>
    </div>
    <div class="muted" title="Saved as of ${moment(savedAsOf)}">${progressText(operation)}</div>
    ${error === null ? nothing : html`<p class="bad">${error.message}</p>`}`;
}

function progressText(operation: Operation): string {
  const { acked, saved, deadLettered, discarded, etaSeconds, waitingFor, savesWaitFor, redrive } = operation;
  const parts = redrive === null ? [`${figure(acked)} in Kafka`, `${figure(saved)} saved`] : redriveText(redrive);
  if (redrive === null && deadLettered) parts.push(plural(deadLettered, 'dead letter'));
  const extra = extraLettersText(operation);
  if (extra !== undefined) parts.push(extra);
  if (redrive === null && discarded) parts.push(`${figure(discarded)} discarded`);
  if (etaSeconds && isInProgress(operation)) parts.push(`${duration(etaSeconds)} until everything is sent`);
  if (savesWaitFor) parts.push(`waiting for ${savesWaitFor}`);
  else if (waitingFor !== null) parts.push('waiting for the consumers to catch up');
  return parts.join(', ');
}

function redriveText(redrive: NonNullable<Operation['redrive']>): string[] {
  const { moved, saved, returned, waiting, missing, unmovable } = redrive;
  const ends = [`${figure(saved)} saved`, `${figure(returned)} returned`];
  if (waiting > 0) ends.push(`${figure(waiting)} in progress`);
  if (missing > 0) ends.push(`${figure(missing)} missing`);
  const equation = `${figure(moved)} moved = ${ends.join(' + ')}`;
  return unmovable > 0 ? [equation, `${figure(unmovable)} cannot be moved`] : [equation];
}

type Action = 'pause' | 'resume' | 'cancel';

/** The buttons that pause, resume or cancel an operation. Emits `confirm` before a cancel, because it cannot be undone. */
export class OperationActions extends PageElement {
  @property({ attribute: false }) operation!: Operation;
  private readonly request = new RequestState(this);

  protected override render(): TemplateResult | typeof nothing {
    const { kind, status, interruption } = this.operation;
    // What an intake has accepted is sent already.
    if (kind === 'intake' || (status !== 'running' && status !== 'paused')) return nothing;
    const isEnding = interruption === 'cancel';
    return html`<div class="row">
        ${
          status === 'paused'
            ? html`<button ?disabled=${isEnding} @click=${() => void this.request.run(async () => this.send('resume'))}>
                Resume
              </button>`
            : html`<button
                ?disabled=${interruption !== null}
                @click=${() => void this.request.run(async () => this.send('pause'))}
              >
                Pause
              </button>`
        }
        <button ?disabled=${isEnding} @click=${() => this.confirmCancel()}>Cancel…</button>
      </div>
      ${this.request.failureView()}`;
  }

  private confirmCancel(): void {
    const { kind, count, acked, status } = this.operation;
    const unit = kind === 'redrive' ? 'dead letters' : 'orders';
    const sent = count === null ? `${figure(acked)} ${unit}` : `${figure(acked)} of ${figure(count)} ${unit}`;
    // The dialog does not follow the figures: sending goes on until the operation is cancelled.
    const more = status === 'running' ? ', and more until you confirm' : '';
    const confirmation: Confirmation = {
      title: `Cancel this ${kind}?`,
      describe: `So far ${sent} are in Kafka${more}. They will still be saved; the others will never be sent. A cancelled ${kind} can't be resumed: to stop for a while, pause it.`,
      action: 'Cancel operation',
      keep: 'Keep operation',
      run: async () => this.send('cancel'),
    };
    this.dispatchEvent(new CustomEvent('confirm', { detail: confirmation, bubbles: true }));
  }

  private async send(action: Action): Promise<void> {
    try {
      await this.client.post(`/v1/operations/${this.operation.id}/${action}`);
    } finally {
      await this.operations.polling.refresh();
    }
  }
}
