import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from './client.js';
import type { DeadLetters, LastAction } from './dead-letters/dead-letters.js';
import { selectionText, discardConfirmation, type Selection } from './dead-letters/dead-letter.js';
import type { LetterDialog } from './dead-letters/letter-dialog.js';
import type { RedriveDialog } from './dead-letters/redrive-dialog.js';
import type { ConfirmDialog, Confirmation } from './confirm-dialog.js';
import type { FirstRunGuide } from './first-run-guide.js';
import { PageElement } from './page-element.js';
import { hashOf, sectionOf, reveal, revealUnknown, unknownAddress, type Address } from './routing.js';
import { plural } from './figures.js';

/** What the console offers, by its settings. */
interface Offers {
  /** Whether there is a migration. */
  readonly hasFacade: boolean;
  /** Whether test orders may have faults. */
  readonly allowsFaults: boolean;
  /** Where browsers reach the query API, as far as the console knows; `null`: unknown. */
  readonly queryApiUrl: string | null;
}

const NO_OFFERS: Offers = { hasFacade: false, allowsFaults: false, queryApiUrl: null };

/** Returns what the console offers. Without an answer: nothing, so that the page has no link; the migration is still at its address. */
async function findOffers(client: Client): Promise<Offers> {
  try {
    return await client.get<Offers>('/page-settings.json');
  } catch {
    return NO_OFFERS;
  }
}

type AddressOf<V extends Address['view']> = Extract<Address, { view: V }>;

/** What is shown in a dialog. */
const DIALOGS: ReadonlySet<Address['view']> = new Set(['operation', 'partition', 'letter']);

/** The root element of the page. */
export class OrdersConsole extends PageElement {
  /** What is shown in a section, while the address selects something in another one. */
  private letters: AddressOf<'letters'> | null = null;
  private orders: AddressOf<'order' | 'search'> | null = null;
  private offers = NO_OFFERS;

  override connectedCallback(): void {
    // Removes the text that is shown until the script has loaded.
    this.replaceChildren();
    super.connectedCallback();
    const { session } = this.client;
    session.addEventListener('change', () => {
      if (session.isNeeded) this.pause();
      else this.resume();
      this.requestUpdate();
    });
    this.router.addEventListener('change', () => this.goTo(this.router.address, false));
    this.router.start();
    this.goTo(this.router.address, true);
    this.live.setVisible(!document.hidden);
    document.addEventListener('visibilitychange', () => this.live.setVisible(!document.hidden));
    if (!session.isReturning) this.resume();
    void this.findOffers();
  }

  protected override render(): TemplateResult {
    const { router } = this;
    const address = this.shownAddress();
    const isMigration = router.address !== null && sectionOf(router.address) === 'migration';
    return html`
      <page-header
        .section=${address && sectionOf(address)}
        .hasFacade=${this.offers.hasFacade}
        .isGuideOpen=${this.guide?.isOpen ?? true}
        @show-guide=${() => this.guide?.open()}
      ></page-header>
      <main
        class=${isMigration ? 'migrates' : nothing}
        @confirm=${(event: CustomEvent<Confirmation>) => void this.confirmation?.open(event.detail)}
        @redrive-letters=${(event: CustomEvent<Selection>) => this.redriveLetters(event.detail)}
        @discard-letters=${(event: CustomEvent<Selection>) => this.discardLetters(event.detail)}
      >
        ${router.unknown === null ? nothing : unknownAddress(router.unknown)}
        <consumer-banner></consumer-banner>
        <sign-in></sign-in>
        <migration-view .isShown=${isMigration}></migration-view>
        <first-run-guide
          .queryApiUrl=${this.offers.queryApiUrl}
          @change=${() => this.requestUpdate()}
        ></first-run-guide>
        ${this.pipelineSections()} ${this.dataSections()}
        <operation-dialog
          .operationId=${address?.view === 'operation' ? address.id : null}
          @close=${() => router.leave()}
        ></operation-dialog>
        <oldest-record-dialog
          .partition=${address?.view === 'partition' ? address.partition : null}
          @close=${() => router.leave()}
        ></oldest-record-dialog>
        <letter-dialog
          .letterId=${address?.view === 'letter' ? address.id : null}
          @close=${() => router.leave()}
        ></letter-dialog>
        <redrive-dialog
          @sent=${({ detail }: CustomEvent<string>) => this.letterChanged({ redriveId: detail })}
        ></redrive-dialog>
        <confirm-dialog></confirm-dialog>
      </main>
    `;
  }

  private pipelineSections(): TemplateResult {
    return html`<section id="now" class="card wide" aria-labelledby="now-title">
        <h2 id="now-title" tabindex="-1">Now</h2>
        <figure-tiles></figure-tiles>
        <throughput-chart></throughput-chart>
      </section>
      <section id="populate" class="card" aria-labelledby="populate-title">
        <h2 id="populate-title" tabindex="-1">Test orders</h2>
        <populate-form .allowsFaults=${this.offers.allowsFaults}></populate-form>
        <operation-list></operation-list>
      </section>
      <section id="scale" class="card" aria-labelledby="scale-title">
        <h2 id="scale-title" tabindex="-1">Scale</h2>
        <scale-controls></scale-controls>
        <scaling-verdicts></scaling-verdicts>
        <autoscaling-panel></autoscaling-panel>
      </section>
      <section id="partitions" class="card wide" aria-labelledby="partitions-title">
        <h2 id="partitions-title" tabindex="-1">Partitions and consumers</h2>
        <partition-grid></partition-grid>
      </section>`;
  }

  private dataSections(): TemplateResult {
    const isSignedIn = !this.client.session.isNeeded;
    return html`<section id="letters" class="card wide" aria-labelledby="letters-title">
        <h2 id="letters-title" tabindex="-1">Dead letters</h2>
        <dead-letters .address=${isSignedIn ? this.letters : null}></dead-letters>
      </section>
      <section id="orders" class="card wide" aria-labelledby="orders-title">
        <h2 id="orders-title" tabindex="-1">Orders</h2>
        <order-browser .address=${isSignedIn ? this.orders : null}></order-browser>
      </section>`;
  }

  /** Nothing is requested without a token; after a sign-in the same address is shown. */
  private shownAddress(): Address | null {
    return this.client.session.isNeeded ? null : this.router.address;
  }

  private get guide(): FirstRunGuide | null {
    return this.querySelector<FirstRunGuide>('first-run-guide');
  }

  private get confirmation(): ConfirmDialog | null {
    return this.querySelector<ConfirmDialog>('confirm-dialog');
  }

  private goTo(address: Address | null, isFirst: boolean): void {
    if (address !== null && sectionOf(address) === 'letters' && address.view !== 'letter')
      this.letters = kept(this.letters, address.view === 'letters' ? address : null);
    if (address !== null && sectionOf(address) === 'orders')
      this.orders = kept(this.orders, address.view === 'order' || address.view === 'search' ? address : null);
    this.requestUpdate();
    const isDialog = address !== null && DIALOGS.has(address.view);
    // In the next frame dialogs are open or closed, so that the focus is not moved behind one or back from here.
    requestAnimationFrame(() => {
      if (address === null) revealUnknown(this);
      else if (isFirst || !isDialog) reveal(sectionOf(address), this, isFirst);
    });
  }

  private redriveLetters(selection: Selection): void {
    void this.querySelector<RedriveDialog>('redrive-dialog')?.open(selection);
  }

  private discardLetters(selection: Selection): void {
    const confirmation = discardConfirmation(this.client, selection, (count) =>
      this.letterChanged({ notice: `${plural(count, 'dead letter')} discarded: ${selectionText(selection)}.` }),
    );
    void this.confirmation?.open(confirmation);
  }

  private letterChanged({ notice = '', redriveId = null }: Partial<LastAction>): void {
    const letters = this.querySelector<DeadLetters>('dead-letters');
    if (letters !== null) Object.assign(letters, { notice, redriveId });
    void letters?.reload();
    void this.querySelector<LetterDialog>('letter-dialog')?.reload();
    void this.operations.polling.refresh();
  }

  private async findOffers(): Promise<void> {
    this.offers = await findOffers(this.client);
    this.requestUpdate();
  }

  private resume(): void {
    this.live.start();
    this.operations.polling.start();
  }

  /** Stops polling: without a token every request would be rejected. */
  private pause(): void {
    this.live.stop();
    this.operations.polling.stop();
    // The sign-in would be behind them.
    for (const dialog of this.querySelectorAll<HTMLDialogElement>(
      'redrive-dialog dialog, confirm-dialog dialog, migration-view dialog',
    ))
      dialog.close();
  }
}

/** Keeps the object of an address that is the same, so that going back to it loads nothing again and the focus stays. */
function kept<A extends Address>(current: A | null, next: A | null): A | null {
  return current !== null && next !== null && hashOf(current) === hashOf(next) ? current : next;
}
