import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from '../api/client.js';
import { Part } from '../part.js';
import { moment } from '../text/figures.js';
import { auditView } from './audit-view.js';
import { CAPABILITY_NAMES } from './capability.js';
import { capabilityView } from './capability-view.js';
import type { Migration } from './facade-api.js';
import { HoldDialog } from './hold-dialog.js';
import { MigrationFeed } from './migration-feed.js';
import { MigrationRuns } from './migration-runs.js';
import { MismatchList } from './mismatch-list.js';
import { MoveDialog } from './move-dialog.js';
import { noticesOf } from './notices.js';
import { pendingView } from './pending-view.js';
import { RunFindings } from './run-findings.js';

/** Shows the migration from the legacy system, and changes it. Its parts emit `confirm` with what needs a confirmation. */
class MigrationPage extends Part {
  static override properties = { client: { attribute: false } };
  declare client: Client;
  private feed: MigrationFeed | undefined;
  private readonly onChange = (): void => this.requestUpdate();
  private readonly onSession = (): void => {
    if (this.client.session.isNeeded) this.feed?.forget();
    else this.feed?.start();
  };

  override connectedCallback(): void {
    super.connectedCallback();
    this.feed = new MigrationFeed(this.client);
    this.feed.addEventListener('change', this.onChange);
    this.client.session.addEventListener('change', this.onSession);
    this.onSession();
  }

  override disconnectedCallback(): void {
    this.feed?.stop();
    this.feed?.removeEventListener('change', this.onChange);
    this.client.session.removeEventListener('change', this.onSession);
    super.disconnectedCallback();
  }

  protected override render(): TemplateResult {
    const { feed, client } = this;
    if (feed === undefined || (feed.state === null && feed.failure === null))
      return html`<p class="muted">${client.session.isNeeded ? 'Unknown: not signed in.' : 'Asking the facade…'}</p>`;
    const taken = (event: CustomEvent<Migration>): void => {
      feed.take(event.detail);
      void feed.refresh();
    };
    return html`${this.failureView(feed)}
      ${feed.state === null || feed.failure?.kind === 'no-facade' ? nothing : this.stateView(feed, feed.state)}
      <hold-dialog .client=${client} @moved=${taken}></hold-dialog>
      <move-dialog .client=${client} @moved=${taken}></move-dialog>`;
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
        .client=${this.client}
        .backfill=${feed.backfill}
        .verify=${feed.verify}
        .isCurrent=${isCurrent}
        @started=${() => void feed.refresh()}
      ></migration-runs>
      <h3>Pending intents</h3>
      ${pendingView(feed.pending)}
      <h3>Mismatches</h3>
      <mismatch-list .client=${this.client} .migration=${migration}></mismatch-list>
      <h3>History</h3>
      ${auditView(feed.audit)}`;
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
