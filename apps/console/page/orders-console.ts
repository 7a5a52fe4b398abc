import { html, nothing, type TemplateResult } from 'lit';
import type { Client } from './api/client.js';
import { DeadLetters } from './dead-letters/dead-letters.js';
import type { Selection } from './dead-letters/dead-letter.js';
import { LetterDialog } from './dead-letters/letter-dialog.js';
import { RedriveDialog } from './dead-letters/redrive-dialog.js';
import { FigureTiles } from './live/figure-tiles.js';
import { LivePipeline } from './live/live-pipeline.js';
import { ThroughputChart } from './live/throughput-chart.js';
import { OrderBrowser } from './orders/order-browser.js';
import { Part } from './part.js';
import { PartitionGrid } from './partitions/partition-grid.js';
import { OperationList } from './populate/operation-list.js';
import { Operations } from './populate/operations.js';
import { PopulateForm } from './populate/populate-form.js';
import { ScaleControls } from './scaling/scale-controls.js';
import { ScalingVerdicts } from './scaling/scaling-verdicts.js';
import { SignIn } from './sign-in/sign-in.js';

const PARTS = {
  'sign-in': SignIn,
  'figure-tiles': FigureTiles,
  'throughput-chart': ThroughputChart,
  'partition-grid': PartitionGrid,
  'populate-form': PopulateForm,
  'operation-list': OperationList,
  'scale-controls': ScaleControls,
  'scaling-verdicts': ScalingVerdicts,
  'dead-letters': DeadLetters,
  'letter-dialog': LetterDialog,
  'redrive-dialog': RedriveDialog,
  'order-browser': OrderBrowser,
};
for (const [name, part] of Object.entries(PARTS)) customElements.define(name, part);

/** The root element of the page. */
export class OrdersConsole extends Part {
  /** Set before the element is defined. */
  static client: Client;
  private readonly client = OrdersConsole.client;
  private readonly live = new LivePipeline(this.client);
  private readonly operations = new Operations(this.client);

  override connectedCallback(): void {
    // Removes the text that is shown until the script has loaded.
    this.replaceChildren();
    super.connectedCallback();
    const { session } = this.client;
    this.live.addEventListener('change', () => this.requestUpdate());
    session.addEventListener('change', () => {
      if (session.isNeeded) this.pause();
      else this.follow();
      this.requestUpdate();
    });
    if (!session.isReturning) this.follow();
  }

  protected override render(): TemplateResult {
    const { client, live, operations } = this;
    const { session } = client;
    return html`
      <header class="top">
        <h1>Orders pipeline</h1>
        <nav aria-label="Parts of the page">
          <a href="#now">Now</a> <a href="#populate">Populate</a> <a href="#scale">Scale</a>
          <a href="#letters">Dead letters</a>
          <a href="#orders">Orders</a>
          <a href="/docs">API</a>
        </nav>
        ${session.token === null ? nothing : html`<button @click=${() => session.signOut()}>Sign out</button>`}
        <p class="connection ${live.isConnected ? 'good' : 'bad'}" role="status">
          ${live.isConnected ? 'live' : 'not connected, reconnecting'}
        </p>
      </header>
      <main>
        <sign-in .session=${session}></sign-in>
        <section id="now" class="card wide" aria-labelledby="now-title">
          <h2 id="now-title">Now</h2>
          <figure-tiles .live=${live}></figure-tiles>
          <throughput-chart .live=${live}></throughput-chart>
        </section>
        <section id="populate" class="card" aria-labelledby="populate-title">
          <h2 id="populate-title">Populate</h2>
          <populate-form .client=${client} .operations=${operations}></populate-form>
          <operation-list .client=${client} .operations=${operations}></operation-list>
        </section>
        <section id="scale" class="card" aria-labelledby="scale-title">
          <h2 id="scale-title">Scale</h2>
          <scale-controls .client=${client} .live=${live}></scale-controls>
          <scaling-verdicts .live=${live}></scaling-verdicts>
        </section>
        <section class="card wide" aria-labelledby="partitions-title">
          <h2 id="partitions-title">Partitions and consumers</h2>
          <partition-grid .live=${live}></partition-grid>
        </section>
        <section id="letters" class="card wide" aria-labelledby="letters-title">
          <h2 id="letters-title">Dead letters</h2>
          <dead-letters
            .client=${client}
            .live=${live}
            @show=${(event: CustomEvent<{ id: string }>) => this.letter?.open(event.detail.id)}
            @redrive=${(event: CustomEvent<Selection>) => this.redrive?.open(event.detail)}
          ></dead-letters>
          <letter-dialog .client=${client}></letter-dialog>
          <redrive-dialog .client=${client} @sent=${() => void operations.refresh()}></redrive-dialog>
        </section>
        <section id="orders" class="card wide" aria-labelledby="orders-title">
          <h2 id="orders-title">Orders</h2>
          <order-browser .client=${client}></order-browser>
        </section>
      </main>
    `;
  }

  private get letter(): LetterDialog | null {
    return this.querySelector<LetterDialog>('letter-dialog');
  }

  private get redrive(): RedriveDialog | null {
    return this.querySelector<RedriveDialog>('redrive-dialog');
  }

  private follow(): void {
    this.live.start();
    this.operations.start();
  }

  /** Stops polling: without a token every request would be rejected. */
  private pause(): void {
    this.live.stop();
    this.operations.stop();
  }
}
