import type { Operation } from '#api/producer.js';
import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, state } from 'lit/decorators.js';
import { isNotFound, messageOf } from '../client.js';
import { ID_FORM, isUuid, hashOf } from '../routing.js';
import { DialogElement } from '../confirm-dialog.js';
import { Polling } from '../polling.js';
import { alertView } from '../request-state.js';
import { duration, figure, moment, percent, plural, orderName, quoted } from '../figures.js';
import { isInProgress, sendingSeconds, timeWord } from './operations.js';
import { factsView } from '../table-view.js';
import { progressView, stateView } from './operation-list.js';

const POLL_MS = 1_000;
const NOT_FOUND = 'There is no operation with this id. Check that the id is complete, and that it is of this pipeline.';

/** Shows one operation by its id: its progress, what was requested, how long it took, and its dead letters. */
export class OperationDialog extends DialogElement {
  /** The operation to show; `null`: the dialog is closed. */
  @property({ attribute: false }) operationId: string | null = null;
  @state() operation: Operation | null = null;
  /** The number of pending dead letters with this operation's id; `null`: unknown. */
  @state() letters: number | null = null;
  @state() errorText: string | null = null;
  /** Follows the operation until it is final, or until another one is shown. */
  private readonly polling = new Polling({
    read: async () => this.read(),
    show: ({ operation, letters }) => {
      Object.assign(this, { operation, letters, errorText: null });
      return isInProgress(operation) ? POLL_MS : null;
    },
    fail: (error) => {
      this.errorText = isNotFound(error) ? NOT_FOUND : messageOf(error);
      return isNotFound(error) ? null : POLL_MS;
    },
  });

  protected override willUpdate(changed: PropertyValues<this>): void {
    if (!changed.has('operationId')) return;
    this.polling.drop();
    Object.assign(this, { operation: null, letters: null, errorText: null });
  }

  protected override updated(changed: PropertyValues<this>): void {
    if (!changed.has('operationId')) return;
    const id = this.operationId;
    if (id === null) {
      this.close();
      return;
    }
    void this.show();
    // The operation of an address may have been typed or cut.
    if (isUuid(id)) this.polling.start();
    else this.errorText = `${quoted(id)} is not the id of an operation: ${ID_FORM}. Close this to see the operations.`;
  }

  protected override heading(): string {
    return this.operation === null ? 'Operation' : `Operation: ${this.operation.kind}`;
  }

  protected override content(): TemplateResult {
    const { operation, letters, errorText, operationId } = this;
    if (operation === null)
      return html`<p><code>${operationId}</code></p>
        ${errorText === null ? html`<p class="muted">Loading…</p>` : alertView(errorText)}`;
    return html`<p class="row">${stateView(operation)} <code>${operation.id}</code></p>
      ${progressView(operation)} ${alertView(errorText)}
      <operation-actions .operation=${operation}></operation-actions>
      ${operationFacts(operation, letters)}`;
  }

  private async read(): Promise<{ readonly operation: Operation; readonly letters: number | null }> {
    const id = this.operationId;
    const operation = await this.client.get<Operation>(`/v1/operations/${id}`);
    if (operation.kind === 'redrive') return { operation, letters: null };
    const { total: letters } = await this.client.get<{ total: number }>(`/v1/dead-letters?operationId=${id}`);
    return { operation, letters };
  }
}

/**
 * Shows what was requested, how long it took and what became of it.
 * @param letters pending dead letters that carry the id of the operation; `null`: unknown
 */
function operationFacts(operation: Operation, letters: number | null): TemplateResult {
  const { requestedAt, seed, requestedRatePerSecond, ratePerSecond, faults } = operation;
  return html`${factsView([
    ['requested', moment(requestedAt)],
    [timeWord(operation), timeText(operation)],
    [
      'sent per second',
      ratePerSecond === null
        ? null
        : `${figure(ratePerSecond)} on average, pauses included${rateLimitText(requestedRatePerSecond)}`,
    ],
    ['order numbers', numbersView(operation)],
    ['seed', seed],
    ['faulty on purpose', faults === null ? null : faultsText(faults)],
    ['dead letters', redriveView(operation)],
    ['dead letters', lettersView(operation, letters)],
    ['to verify it', html`<code>npm run reconcile -- ${operation.id}</code>`],
  ])}
  ${errorsView(operation)}`;
}

function timeText(operation: Operation): string {
  const seconds = sendingSeconds(operation, Date.now());
  if (seconds === null) return 'not started yet';
  return operation.finishedAt === null ? `${duration(seconds)} so far` : duration(seconds);
}

function rateLimitText(requested: number | null): string {
  return requested === null ? '' : ` (requested: ${figure(requested)})`;
}

function numbersView({ firstNumber, count }: Operation): TemplateResult | null {
  if (firstNumber === null || !count) return null;
  const [from, to] = [firstNumber, firstNumber + count - 1];
  const find = from === to ? `${from}` : `${from}..${to}`;
  return html`<a href=${hashOf({ view: 'search', find, page: null })}>${figure(from)} to ${figure(to)}</a>`;
}

function faultsText(faults: NonNullable<Operation['faults']>): string {
  const given = Object.entries(faults).filter(([, share]: [string, number]) => share > 0);
  return given.map(([name, share]: [string, number]) => `${percent(share)} ${name}`).join(', ');
}

function redriveView({ redrive }: Operation): string | null {
  if (redrive === null) return null;
  const { id, errorCode, operationId } = redrive.filter;
  if (id !== undefined) return id;
  const filters = [
    errorCode === undefined ? [] : [`error ${errorCode}`],
    operationId === undefined ? [] : [`operation ${operationId}`],
  ].flat();
  return filters.length === 0 ? 'all that were pending' : `all with ${filters.join(' and ')}`;
}

/** The list counts records, an operation counts orders: an extra record costs no order. */
function lettersView({ id, kind, deadLettered }: Operation, letters: number | null): TemplateResult | null {
  if (kind === 'redrive' || letters === null || letters === 0) return null;
  const orders = deadLettered ?? 0;
  const extra = letters - orders;
  return html`<a href=${hashOf({ view: 'letters', errorCode: null, operationId: id })}
      >${plural(letters, 'pending dead letter')}</a
    >${extra > 0 ? `: ${plural(orders, 'order')}, and ${plural(extra, 'extra record')} (conflicts or repeats), which the operation does not count` : nothing}`;
}

function errorsView({ firstErrors, firstNumber, kind }: Operation): TemplateResult | typeof nothing {
  if (firstErrors === null || firstErrors.length === 0) return nothing;
  const of = kind === 'redrive' ? ' of its operation' : '';
  return html`<h4>First errors</h4>
    <ul class="plain">
      ${firstErrors.map(
        ({ index, code, message }) =>
          html`<li>
            ${index === null ? nothing : `${orderName(index, firstNumber)}${of}: `}<b>${code}</b>,
            <span>${message}</span>
          </li>`,
      )}
    </ul>`;
}
