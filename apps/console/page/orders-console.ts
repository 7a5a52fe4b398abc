import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from './client.js';
import type { DeadLetters, LastAction } from './dead-letters/dead-letters.js';
import { selectionText, discardConfirmation, type Selection } from './dead-letters/dead-letter.js';
import type { LetterDialog } from './dead-letters/letter-dialog.js';
import type { RedriveDialog } from './dead-letters/redrive-dialog.js';
import type { ConfirmDialog, Confirmation } from './confirm-dialog.js';
import type { FirstRunGuide } from './first-run-guide.js';
import { LivePipeline } from './live/live-pipeline.js';
import { UnshadowedElement } from './unshadowed-element.js';
import { Operations } from './populate/operations.js';
import { hashOf, sectionOf, reveal, Router, revealUnknown, unknownAddress, type Address } from './routing.js';
import { plural } from './figures.js';

/** What the console offers, by its settings. */
interface Offers {
  /** Whether there is a migration. */
  readonly hasFacade: boolean;
  /** Whether a populate may have faulty records. */
  readonly allowsFaults: boolean;
}

const NO_OFFERS: Offers = { hasFacade: false, allowsFaults: false };

/** Returns what the console offers. Without an answer: nothing, so that the page has no link; the migration is still at its address. */
async function findOffers(client: Client): Promise<Offers> {
  try {
    return await client.get<Offers>('/page-settings.json');
  } catch {
    return NO_OFFERS;
  }
}

type AddressOf<V extends Address['view']> = Extract<Address, { view: V }>;

/** The root element of the page. */
export class OrdersConsole extends UnshadowedElement {
  /** Set before the element is defined. */
  static client: Client;
  private readonly client = OrdersConsole.client;
  private readonly live = new LivePipeline(this.client);
  private readonly operations = new Operations(this.client);
  private readonly router = new Router(window, location, history);
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
      else this.follow();
      this.requestUpdate();
    });
    this.router.addEventListener('change', () => this.goTo(this.router.address, false));
    this.router.start();
    this.goTo(this.router.address, true);
    this.live.setVisible(!document.hidden);
    document.addEventListener('visibilitychange', () => this.live.setVisible(!document.hidden));
    if (!session.isReturning) this.follow();
    void this.findOffers();
  }

  protected override render(): TemplateResult {
    const { client, live, operations, router } = this;
    const address = this.shownAddress();
    const isMigration = router.address !== null && sectionOf(router.address) === 'migration';
    return html`
      <page-header
        .live=${live}
        .session=${client.session}
        .section=${address && sectionOf(address)}
        .hasFacade=${this.offers.hasFacade}
        .isGuideOpen=${this.guide?.isOpen ?? true}
        @show-guide=${() => this.guide?.open()}
      ></page-header>
      <main class=${isMigration ? 'migrates' : nothing}>
        ${router.unknown === null ? nothing : unknownAddress(router.unknown)}
        <consumer-banner .live=${live}></consumer-banner>
        <sign-in .session=${client.session}></sign-in>
        <migration-view
          .client=${client}
          .isShown=${isMigration}
          @confirm=${(event: CustomEvent<Confirmation>) => void this.confirmation?.open(event.detail)}
        ></migration-view>
        <first-run-guide
          .live=${live}
          .client=${client}
          .operations=${operations}
          @change=${() => this.requestUpdate()}
        ></first-run-guide>
        ${this.pipelineSections()} ${this.dataSections()}
        <operation-dialog
          .client=${client}
          .operations=${operations}
          .operationId=${address?.view === 'operation' ? address.id : null}
          @close=${() => router.leave()}
          @confirm=${(event: CustomEvent<Confirmation>) => void this.confirmation?.open(event.detail)}
        ></operation-dialog>
        <letter-dialog
          .client=${client}
          .letterId=${address?.view === 'letter' ? address.id : null}
          @close=${() => router.leave()}
          @redrive-letters=${(event: CustomEvent<Selection>) => this.redriveLetters(event.detail)}
          @discard-letters=${(event: CustomEvent<Selection>) => this.discardLetters(event.detail)}
        ></letter-dialog>
        <redrive-dialog
          .client=${client}
          @sent=${({ detail }: CustomEvent<string>) => this.letterChanged({ redriveId: detail })}
        ></redrive-dialog>
        <confirm-dialog></confirm-dialog>
      </main>
    `;
  }

  private pipelineSections(): TemplateResult {
    const { client, live, operations, offers } = this;
    return html`<section id="now" class="card wide" aria-labelledby="now-title">
        <h2 id="now-title" tabindex="-1">Now</h2>
        <figure-tiles .live=${live}></figure-tiles>
        <throughput-chart .live=${live}></throughput-chart>
      </section>
      <section id="populate" class="card" aria-labelledby="populate-title">
        <h2 id="populate-title" tabindex="-1">Populate</h2>
        <populate-form .client=${client} .operations=${operations} .allowsFaults=${offers.allowsFaults}></populate-form>
        <operation-list
          .client=${client}
          .operations=${operations}
          @confirm=${(event: CustomEvent<Confirmation>) => void this.confirmation?.open(event.detail)}
        ></operation-list>
      </section>
      <section id="scale" class="card" aria-labelledby="scale-title">
        <h2 id="scale-title" tabindex="-1">Scale</h2>
        <scale-controls .client=${client} .live=${live} .operations=${operations}></scale-controls>
        <scaling-verdicts .live=${live}></scaling-verdicts>
        <autoscaling-panel .client=${client} .live=${live}></autoscaling-panel>
      </section>
      <section id="partitions" class="card wide" aria-labelledby="partitions-title">
        <h2 id="partitions-title" tabindex="-1">Partitions and consumers</h2>
        <partition-grid .live=${live}></partition-grid>
      </section>`;
  }

  private dataSections(): TemplateResult {
    const { client, live, operations, router } = this;
    const isSignedIn = !client.session.isNeeded;
    return html`<section id="letters" class="card wide" aria-labelledby="letters-title">
        <h2 id="letters-title" tabindex="-1">Dead letters</h2>
        <dead-letters
          .client=${client}
          .live=${live}
          .operations=${operations}
          .router=${router}
          .address=${isSignedIn ? this.letters : null}
          @redrive-letters=${(event: CustomEvent<Selection>) => this.redriveLetters(event.detail)}
          @discard-letters=${(event: CustomEvent<Selection>) => this.discardLetters(event.detail)}
        ></dead-letters>
      </section>
      <section id="orders" class="card wide" aria-labelledby="orders-title">
        <h2 id="orders-title" tabindex="-1">Orders</h2>
        <order-browser .client=${client} .router=${router} .address=${isSignedIn ? this.orders : null}></order-browser>
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
    const isDialog = address?.view === 'letter' || address?.view === 'operation';
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
      this.letterChanged({ notice: `${plural(count, 'letter')} discarded: ${selectionText(selection)}.` }),
    );
    void this.confirmation?.open(confirmation);
  }

  private letterChanged({ notice = '', redriveId = null }: Partial<LastAction>): void {
    const letters = this.querySelector<DeadLetters>('dead-letters');
    if (letters !== null) Object.assign(letters, { notice, redriveId });
    void letters?.reload();
    void this.querySelector<LetterDialog>('letter-dialog')?.reload();
    void this.operations.refresh();
  }

  private async findOffers(): Promise<void> {
    this.offers = await findOffers(this.client);
    this.requestUpdate();
  }

  private follow(): void {
    this.live.start();
    this.operations.start();
  }

  /** Stops polling: without a token every request would be rejected. */
  private pause(): void {
    this.live.stop();
    this.operations.stop();
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
