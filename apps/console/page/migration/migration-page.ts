import { html, nothing, type TemplateResult } from 'lit';
import { PageElement } from '../page-element.js';
import { moment, duration, figure, plural } from '../figures.js';
import { tableView, type Column } from '../table-view.js';
import { CAPABILITY_NAMES, CAPABILITIES, stateText } from './capability.js';
import { capabilityView } from './capability-view.js';
import type {
  Migration,
  FacadeInstance,
  PendingIntent,
  PendingIntents,
  AuditEntry,
  Audit,
  Backfill,
  Verification,
} from '#api/facade.js';
import { HoldDialog, MoveDialog } from './change-dialogs.js';
import { MigrationRuns, RunFindings } from './migration-runs.js';
import { MismatchList } from './mismatch-list.js';
import { ApiProblem, isNotFound, messageOf, type Client } from '../client.js';
import { Polling } from '../polling.js';

/** Shows the migration from the legacy system, and changes it. Its parts emit `confirm` with what needs a confirmation. */
class MigrationPage extends PageElement {
  private readonly feed = new MigrationFeed(this.client);

  constructor() {
    super();
    this.follow(this.feed);
    this.follow(this.client.session, () => this.signedInOrOut());
  }

  override connectedCallback(): void {
    super.connectedCallback();
    this.signedInOrOut();
  }

  override disconnectedCallback(): void {
    this.feed.polling.stop();
    super.disconnectedCallback();
  }

  protected override render(): TemplateResult {
    const { feed, client } = this;
    if (feed.state === null && feed.failure === null)
      return html`<p class="muted">${client.session.isNeeded ? 'Unknown: not signed in.' : 'Asking the facade…'}</p>`;
    const taken = (event: CustomEvent<Migration>): void => {
      feed.take(event.detail);
      void feed.polling.refresh();
    };
    return html`${this.failureView(feed)}
      ${feed.state === null || feed.failure?.kind === 'no-facade' ? nothing : this.stateView(feed, feed.state)}
      <hold-dialog @moved=${taken}></hold-dialog>
      <move-dialog @moved=${taken}></move-dialog>`;
  }

  private failureView({ failure, receivedAt }: MigrationFeed): TemplateResult | typeof nothing {
    if (failure === null) return nothing;
    if (failure.kind === 'no-facade')
      return html`<p class="muted">
        This console knows no facade. Start the pipeline by <code>npm start -- --legacy</code>, or set
        <code>FACADE_URL</code> of the console.
      </p>`;
    const known = receivedAt === null ? '' : ` What is shown is from ${moment(receivedAt)}.`;
    return html`<p class="banner bad" role="alert">The state of the migration is unknown: ${failure.text}${known}</p>`;
  }

  private stateView(feed: MigrationFeed, migration: Migration): TemplateResult {
    const isCurrent = feed.failure === null;
    const isChangeable = isCurrent && migration.hold === null && migration.change === null;
    return html`${noticesOf(migration).map(
        ({ tone, text }) => html`<p class="banner ${tone}" role=${tone === 'bad' ? 'alert' : 'status'}>${text}</p>`,
      )}
      <div class="row">
        ${
          migration.hold === null
            ? html`<button ?disabled=${!isCurrent} @click=${() => this.hold(true)}>Hold…</button>`
            : html`<button ?disabled=${!isCurrent} @click=${() => this.hold(false)}>Release…</button>`
        }
        <span class="muted">Facade instances: ${migration.instances.map(({ name }) => name).join(', ') || 'none'}</span>
      </div>
      <div class="capabilities">
        ${CAPABILITY_NAMES.map((name) =>
          capabilityView(
            name,
            migration,
            isChangeable,
            (move) => void this.querySelector<MoveDialog>('move-dialog')?.open(move),
          ),
        )}
      </div>
      ${this.detailViews(feed, migration, isCurrent)}`;
  }

  private detailViews(feed: MigrationFeed, migration: Migration, isCurrent: boolean): TemplateResult {
    return html`<h3>Backfill and verify</h3>
      <migration-runs
        .backfill=${feed.backfill}
        .verify=${feed.verify}
        .isCurrent=${isCurrent}
        @started=${() => void feed.polling.refresh()}
      ></migration-runs>
      <h3>Pending intents</h3>
      ${pendingView(feed.pending)}
      <h3>Mismatches</h3>
      <mismatch-list .migration=${migration}></mismatch-list>
      <h3>History</h3>
      ${auditView(feed.audit)}`;
  }

  private signedInOrOut(): void {
    if (this.client.session.isNeeded) this.feed.forget();
    else this.feed.polling.start();
  }

  private hold(isHolding: boolean): void {
    void this.querySelector<HoldDialog>('hold-dialog')?.open(isHolding);
  }
}

const PARTS = {
  'hold-dialog': HoldDialog,
  'move-dialog': MoveDialog,
  'mismatch-list': MismatchList,
  'migration-runs': MigrationRuns,
  'run-findings': RunFindings,
};

/** Defines the elements of the migration. To be called once, when they have loaded. */
export function defineMigration(): void {
  for (const [name, part] of Object.entries({ ...PARTS, 'migration-page': MigrationPage }))
    customElements.define(name, part);
}

/** Something that concerns the whole migration. `bad` needs a person now. */
export interface Notice {
  readonly tone: 'bad' | 'warn' | 'busy';
  readonly text: string;
}

const STEPS = {
  acknowledge: 'every facade instance must acknowledge it',
  buckets: 'the buckets of accounts are being handed over',
  drain: 'the legacy system must get all open orders first',
} as const;

/** An instance that is silent for longer than this blocks changes. */
const SILENT_MS = 5_000;

/** Returns what the page says above everything else: rollbacks, a change in progress, a hold, silent instances. */
export function noticesOf({ capabilities, change, hold, instances }: Migration): readonly Notice[] {
  const notices: Notice[] = CAPABILITY_NAMES.flatMap((name): Notice[] => {
    const { cause, since, ...state } = capabilities[name];
    if (cause === undefined) return [];
    const text = `${CAPABILITIES[name]} went back to ${stateText(state)} automatically at ${moment(since)}. Cause: ${cause}. They stay there until you move them.`;
    return [{ tone: 'bad', text }];
  });
  if (hold !== null)
    notices.push({
      tone: 'warn',
      text: `Held by ${hold.by} since ${moment(hold.since)}: ${hold.reason}. No stage changes, and there is no automatic rollback.`,
    });
  if (change !== null)
    notices.push({
      tone: 'busy',
      text: `Writes are moving to ${stateText(change)}: ${STEPS[change.step]}. Requested by ${change.by}: ${change.reason}. The facade gives up at ${moment(change.deadline)}.`,
    });
  const silent = silentInstances(instances);
  if (silent.length > 0)
    notices.push({
      tone: 'warn',
      text: `Silent facade ${silent.length === 1 ? 'instance' : 'instances'}: ${silent.join(', ')}. Changes that every instance must acknowledge are refused.`,
    });
  return notices;
}

/** Names the instances whose last report is much older than the newest report of any instance. */
export function silentInstances(instances: readonly FacadeInstance[]): readonly string[] {
  const newest = Math.max(...instances.map(({ refreshedAt }) => Date.parse(refreshedAt)));
  return instances.filter(({ refreshedAt }) => newest - Date.parse(refreshedAt) > SILENT_MS).map(({ name }) => name);
}

const SHOWN = 20;

const INTENT_COLUMNS: readonly Column[] = [
  { text: 'Age', style: 'number' },
  { text: 'Number', style: 'number' },
  'Account',
  { text: 'Legacy system', title: 'open, stored, or none: it does not get the order, or has refused it' },
  {
    text: 'Target',
    title: 'open, sent: Kafka has it, readable: reads return it, or none: it does not get the order, or has refused it',
  },
  { text: 'Attempts', style: 'number', title: 'Attempts without an outcome' },
  'Reason',
];

/** Lists the oldest open write intents. @param pending `null`: unknown */
export function pendingView(pending: PendingIntents | null): TemplateResult {
  if (pending === null) return html`<p class="unknown">Unknown.</p>`;
  const { count, items } = pending;
  if (count === 0) return html`<p class="muted">None: every admitted write is on both sides.</p>`;
  const more = count - Math.min(items.length, SHOWN);
  return html`${tableView('Table of pending intents', INTENT_COLUMNS, items.slice(0, SHOWN).map(intentRow))}
  ${more > 0 ? html`<p class="muted">${plural(more, 'more intent')}, all of them younger.</p>` : nothing}`;
}

function intentRow(intent: PendingIntent): TemplateResult {
  const { id, ageMs, number, accountId, answering, attempts, reason } = intent;
  const answers = (side: PendingIntent['answering']) => (side === answering ? ', answers' : '');
  return html`<tr title="Order ${id}">
    <td class="number when">${duration(ageMs / 1_000)}</td>
    <th scope="row" class="number">${figure(number)}</th>
    <td>${accountId}</td>
    <td>${intent.legacy}${answers('legacy')}</td>
    <td>${intent.new}${answers('new')}</td>
    <td class="number">${figure(attempts)}</td>
    <td class="sentence">${reason ?? 'in progress'}</td>
  </tr>`;
}

const ACTIONS: Readonly<Record<AuditEntry['action'], string>> = {
  change: 'changed',
  done: 'done',
  abandoned: 'abandoned',
  refusal: 'refused',
  rollback: 'rolled back',
  alert: 'alert',
  hold: 'held',
  release: 'released',
};
const BAD = new Set<AuditEntry['action']>(['rollback', 'alert', 'abandoned']);

/** Lists the newest entries of the audit. */
export function auditView(entries: readonly AuditEntry[]): TemplateResult {
  if (entries.length === 0)
    return html`<p class="muted">Nothing yet: each change, refusal and rollback is listed here.</p>`;
  return tableView(
    'Table of the history',
    ['When', 'What', 'By', 'Reason'],
    entries.map(
      (entry) =>
        html`<tr>
          <td class="when">${moment(entry.at)}</td>
          <th scope="row" class="sentence">${what(entry)}</th>
          <td>${entry.by}</td>
          <td class="sentence">${entry.reason}</td>
        </tr>`,
    ),
  );
}

function what({ action, capability, from, to, code, isForced }: AuditEntry): TemplateResult {
  const name = CAPABILITY_NAMES.find((each) => each === capability);
  const change = from === undefined ? to : `${from} → ${to}`;
  const subject = [name && CAPABILITIES[name].toLowerCase(), change].filter((text) => text !== undefined).join(', ');
  const remarks = [code, isForced === true ? 'forced' : undefined].filter((text) => text !== undefined);
  return html`<span class=${BAD.has(action) ? 'bad' : nothing}>${ACTIONS[action]}</span>${
      subject === '' ? nothing : `: ${subject}`
    }${remarks.length === 0 ? nothing : ` (${remarks.join(', ')})`}`;
}

const POLL_MS = 2_000;
/** A tab in the background. */
const HIDDEN_POLL_MS = 10_000;
const AUDIT_ENTRIES = 20;

/** Why there is no current state. `no-facade`: the console has none configured. */
export interface FeedFailure {
  readonly kind: 'no-facade' | 'forbidden' | 'unavailable';
  readonly text: string;
}

/** Polls the state of the migration and what belongs to it, every two seconds. Emits `change`. */
export class MigrationFeed extends EventTarget {
  /** The last known state; `null`: none yet. It is that of now only without a `failure`. */
  state: Migration | null = null;
  /** When the state was received, as an ISO text. */
  receivedAt: string | null = null;
  failure: FeedFailure | null = null;
  pending: PendingIntents | null = null;
  /** `null`: there was none yet; `undefined`: unknown. */
  backfill: Backfill | null | undefined;
  verify: Verification | null | undefined;
  audit: readonly AuditEntry[] = [];
  readonly polling = new Polling({
    read: async () => this.read(),
    show: (answer) => this.polled({ ...answer, receivedAt: new Date().toISOString(), failure: null }),
    fail: (error) => this.polled({ failure: failureOf(error) }),
  });

  /** @param isSeen whether the tab is in the foreground; otherwise it polls slowly */
  constructor(
    private readonly client: Pick<Client, 'get'>,
    private readonly isSeen = (): boolean => document.visibilityState === 'visible',
  ) {
    super();
  }

  /** Stops, and drops what it knows: after a sign-out nothing is shown. */
  forget(): void {
    this.polling.drop();
    [this.state, this.failure] = [null, null];
    this.dispatchEvent(new Event('change'));
  }

  /** Shows a state that came with another answer, unless a newer one is known. */
  take(state: Migration): void {
    if (state.revision < (this.state?.revision ?? 0)) return;
    this.state = state;
    this.receivedAt = new Date().toISOString();
    this.dispatchEvent(new Event('change'));
  }

  private polled(changes: Partial<MigrationFeed>): number {
    Object.assign(this, changes);
    this.dispatchEvent(new Event('change'));
    return this.isSeen() ? POLL_MS : HIDDEN_POLL_MS;
  }

  private async read() {
    const [state, pending, backfill, verify, audit] = await Promise.all([
      this.client.get<Migration>('/v1/migration'),
      this.client.get<PendingIntents>('/v1/migration/pending'),
      this.lastRun<Backfill>('/v1/migration/backfill'),
      this.lastRun<Verification>('/v1/migration/verify'),
      this.client.get<Audit>(`/v1/migration/audit?pageSize=${AUDIT_ENTRIES}`),
    ]);
    return { state, pending, backfill, verify, audit: audit.items };
  }

  private async lastRun<T>(path: string): Promise<T | null> {
    try {
      return await this.client.get<T>(path);
    } catch (error) {
      // The facade's own 404: there was none yet. The console's, without a facade, ends the poll by the first request.
      if (isNotFound(error)) return null;
      throw error;
    }
  }
}

function failureOf(error: unknown): FeedFailure {
  const status = error instanceof ApiProblem ? error.status : 0;
  const kind = status === 404 ? 'no-facade' : status === 403 ? 'forbidden' : 'unavailable';
  // The console answers for a facade that has ended, but not for one that hangs.
  const isHanging = error instanceof ApiProblem && error.code === 'no-answer';
  return {
    kind,
    text: isHanging ? 'There was no answer within 5 s. The facade hangs, or the console.' : messageOf(error),
  };
}
