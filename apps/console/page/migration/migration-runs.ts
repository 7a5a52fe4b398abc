import { Task, TaskStatus } from '@lit/task';
import { html, nothing, type TemplateResult } from 'lit';
import { property } from 'lit/decorators.js';
import { messageOf } from '../client.js';
import type { Confirmation } from '../confirm-dialog.js';
import { PageElement } from '../page-element.js';
import { operationLink } from '../routing.js';
import { figure, moment, plural } from '../figures.js';
import { alertView, RequestState } from '../request-state.js';
import type { Backfill, Verification, UntranslatedOrder, VerifiedDifference } from '#api/facade.js';

const BACKFILL = '/v1/migration/backfill';
const VERIFY = '/v1/migration/verify';

/** Starts, follows and cancels backfill and verify. Emits `confirm` with what needs a confirmation, and `started` after each change. */
export class MigrationRuns extends PageElement {
  /** The last ones; `null`: there was none; `undefined`: unknown. */
  @property({ attribute: false }) backfill!: Backfill | null | undefined;
  @property({ attribute: false }) verify!: Verification | null | undefined;
  /** Whether the facade answers. */
  @property({ attribute: false }) isCurrent!: boolean;
  private readonly request = new RequestState(this);

  protected override render(): TemplateResult {
    return html`<div class="capabilities">
        <article class="capability" aria-labelledby="backfill-title">
          <h4 id="backfill-title">Backfill</h4>
          ${this.backfillPart()}
        </article>
        <article class="capability" aria-labelledby="verify-title">
          <h4 id="verify-title">Verify</h4>
          ${this.verifyPart()}
        </article>
      </div>
      ${this.request.failureView()}`;
  }

  private backfillPart(): TemplateResult {
    const run = this.backfill;
    const none = html`<p class="muted">There was none yet. It copies the legacy system’s orders to the target.</p>`;
    return html`${run === null ? none : run && backfillView(run)}
    ${this.button(run, 'backfill', () => this.confirm(this.backfillConfirmation()), BACKFILL)}`;
  }

  private verifyPart(): TemplateResult {
    const run = this.verify;
    const none = html`<p class="muted">
      There was none yet. It compares all orders of both sides, and the gate needs one without a difference.
    </p>`;
    return html`${run === null ? none : run && verifyView(run)}
    ${this.button(run, 'verify', () => void this.request.run(async () => this.post(VERIFY)), VERIFY)}`;
  }

  private button(
    run: Backfill | Verification | null | undefined,
    name: 'backfill' | 'verify',
    start: () => void,
    path: string,
  ): TemplateResult {
    const isDisabled = !this.isCurrent || run === undefined;
    if (run?.status !== 'running')
      return html`<button ?disabled=${isDisabled} @click=${start}>
        Start ${name}${name === 'backfill' ? '…' : ''}
      </button>`;
    return html`<button
      ?disabled=${isDisabled}
      @click=${() => this.confirm(this.cancelConfirmation(name, `${path}/${run.id}/cancel`))}
    >
      Cancel ${name}…
    </button>`;
  }

  private backfillConfirmation(): Confirmation {
    return {
      title: 'Start a backfill?',
      describe:
        'It translates all orders that the legacy system has now, and starts an import for each 100,000 numbers. Orders that the target has already are skipped. Orders without an exact translation are listed, and not imported. Imported orders can’t be taken back.',
      action: 'Start backfill',
      keep: 'Start nothing',
      run: async () => this.post(BACKFILL),
    };
  }

  private cancelConfirmation(name: 'backfill' | 'verify', path: string): Confirmation {
    const stays =
      name === 'backfill'
        ? 'Imports that it has started go on, and nothing is taken back. A new backfill skips what is there.'
        : 'What it has compared is lost, and the gate ignores it. A new verify begins at number 1.';
    return {
      title: `Cancel the ${name}?`,
      describe: stays,
      action: `Cancel ${name}`,
      keep: `Keep ${name}`,
      run: async () => this.post(path),
    };
  }

  private confirm(confirmation: Confirmation): void {
    this.dispatchEvent(new CustomEvent('confirm', { detail: confirmation, bubbles: true }));
  }

  private async post(path: string): Promise<void> {
    await this.client.post(path);
    this.dispatchEvent(new Event('started'));
  }
}

/** Shows the last backfill: its progress, and what became of it. */
function backfillView(run: Backfill): TemplateResult {
  const { translated, untranslated, operationIds } = run;
  return html`${runView(run, backfillState(run), 'Translated')}
    <p>
      ${plural(translated, 'order')} translated, ${figure(untranslated)} without an exact
      translation.${operationIds.length === 0 ? nothing : ' Imports, which go on by themselves:'}
    </p>
    <ul class="plain">
      ${operationIds.map((id) => html`<li>${operationLink(id)}</li>`)}
    </ul>
    ${
      untranslated === 0
        ? nothing
        : html`<p class="warn">Repair these orders in the legacy system, and start the backfill again.</p>
            <run-findings path="${BACKFILL}/${run.id}/untranslated" count=${untranslated}></run-findings>`
    }`;
}

/** Shows the last verify: its progress, and what it has found. */
function verifyView(run: Verification): TemplateResult {
  const { id, orders, byKind, differences, openIntervals, result } = run;
  const found = Object.entries(byKind).filter(([, count]) => count > 0);
  return html`${runView(run, verifyState(run), 'Compared')}
    <p>
      ${plural(orders.legacy, 'order')} in the legacy system, ${figure(orders.new)} on the new
      side.${found.length === 0 ? nothing : ` ${found.map(([kind, count]) => `${figure(count)} ${kind}`).join(', ')}.`}
    </p>
    ${
      openIntervals === 0
        ? nothing
        : html`<p class="warn">
            ${plural(openIntervals, 'interval')} of 1,000 numbers
            ${result === 'open' ? 'had writes that stayed open: start the verify again.' : 'wait for open writes.'}
          </p>`
    }
    ${differences > 0 ? html`<run-findings path="${VERIFY}/${id}/differences" count=${differences}></run-findings>` : nothing}`;
}

function runView(run: Verification | Backfill, { text, tone }: RunState, verb: string): TemplateResult {
  const { done, upTo, problem, startedBy, startedAt, endedAt, status } = run;
  const share = donePercent(run);
  return html`<p class="row">
      <span class="status ${tone}">${text}</span>
      <span class="muted"
        >by ${startedBy}, ${moment(startedAt)}${endedAt === null ? nothing : ` to ${moment(endedAt)}`}</span
      >
    </p>
    <div
      class="progress"
      role="progressbar"
      aria-label=${verb}
      aria-valuemin="0"
      aria-valuemax="100"
      aria-valuenow=${share}
    >
      <i class="saved" style="width: ${share}%"></i>
    </div>
    <p class="muted">${verb} up to number ${figure(done)} of ${figure(upTo)}.</p>
    ${problem === null || status !== 'running' ? nothing : html`<p class="warn">Waiting: ${problem}. It is retried.</p>`}`;
}

/** The state of a run as a label. Green only when nothing is left to do. */
interface RunState {
  readonly text: string;
  readonly tone: 'good' | 'warn' | 'bad' | 'busy';
}

/** Returns how much of the numbers is done, 0 to 100. */
export function donePercent({ done, upTo }: Pick<Verification, 'done' | 'upTo'>): number {
  return upTo === 0 ? 100 : Math.floor((100 * Math.min(done, upTo)) / upTo);
}

export function verifyState(run: Verification): RunState {
  return (
    stateOf(run, 'comparing') ??
    {
      equal: { text: 'both sides are equal', tone: 'good' } as const,
      different: { text: plural(run.differences, 'difference'), tone: 'bad' } as const,
      open: { text: 'writes were still open', tone: 'warn' } as const,
    }[run.result ?? 'open']
  );
}

export function backfillState(run: Backfill): RunState {
  return (
    stateOf(run, 'translating') ??
    (run.result === 'incomplete'
      ? { text: `${plural(run.untranslated, 'order has', 'orders have')} no exact translation`, tone: 'warn' }
      : { text: 'handed over to imports', tone: 'good' })
  );
}

/** The states that all runs share; `undefined`: the run has a result. */
function stateOf(run: Verification | Backfill, verb: string): RunState | undefined {
  if (run.status === 'cancelled') return { text: 'cancelled', tone: 'warn' };
  if (run.status === 'ended') return undefined;
  return {
    text: `${run.problem === null ? verb : 'waiting'} ${donePercent(run)} %`,
    tone: run.problem === null ? 'busy' : 'warn',
  };
}

const SHOWN = 20;

/** Lists the first things that a backfill or a verify has found. Reads them again when there are more. */
export class RunFindings extends PageElement {
  /** The path of the list. */
  @property() path!: string;
  /** How many there are. */
  @property({ type: Number }) count!: number;
  private readonly first = new Task(this, {
    args: () => [this.path, this.shown] as const,
    task: async ([path]) => (await this.client.get<{ items: Finding[] }>(`${path}?limit=${SHOWN}`)).items,
  });

  /** How many can be shown. After a failure each further finding repeats the reading. */
  private get shown(): number {
    return this.first.status === TaskStatus.ERROR ? this.count : Math.min(this.count, SHOWN);
  }

  protected override render(): TemplateResult | typeof nothing {
    const { value: items = [], error, status } = this.first;
    if (status === TaskStatus.ERROR) return alertView(messageOf(error));
    if (items.length === 0) return nothing;
    return html`<ul class="plain">
        ${items.map((item) => html`<li>${findingText(item)}</li>`)}
      </ul>
      ${this.count > items.length ? html`<p class="muted">The first ${figure(items.length)} of ${figure(this.count)}.</p>` : nothing}`;
  }
}

/** What a backfill or a verify has found about one order. */
export type Finding = UntranslatedOrder | VerifiedDifference;

interface Reason {
  readonly code: string;
  readonly field?: string;
  readonly value?: string;
  readonly detail: string;
}

/** Describes a finding in one line: which order, and each field with both values. */
export function findingText(finding: Finding): string {
  const { number, id } = finding;
  const order = number === null ? 'An element without a number' : `Number ${figure(number)}${id ? ` (${id})` : ''}`;
  return `${order}: ${'kind' in finding ? differenceText(finding) : reasonText(finding.reason)}`;
}

function differenceText({ kind, fields, reason }: VerifiedDifference): string {
  if (fields !== undefined && fields.length > 0)
    return fields
      .map(
        ({ path, legacy, new: other }) =>
          `${path} is ${shown(legacy)} in the legacy system, ${shown(other)} on the target`,
      )
      .join('; ');
  return isReason(reason) ? `${kind}, ${reasonText(reason)}` : kind;
}

function reasonText({ code, field, value, detail }: Reason): string {
  const where = field === undefined ? '' : ` of ${field}${value === undefined ? '' : ` ${value}`}`;
  return `${code}${where}, ${detail}`;
}

function isReason(reason: unknown): reason is Reason {
  return typeof reason === 'object' && reason !== null && 'code' in reason;
}

function shown(value: unknown): string {
  return value === undefined ? 'missing' : JSON.stringify(value);
}
