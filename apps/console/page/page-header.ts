import { html, nothing, type TemplateResult } from 'lit';
import { property } from 'lit/decorators.js';
import { LiveElement } from './page-element.js';
import type { ConnectionState } from './live/live-pipeline.js';
import type { Section } from './routing.js';

/** Whether the figures are those of now. */
const CONNECTION: Readonly<Record<ConnectionState, readonly [text: string, style: string]>> = {
  connecting: ['connecting', 'muted'],
  live: ['live', 'good'],
  reconnecting: ['not connected, retrying', 'bad'],
  'signed-out': ['not signed in', 'muted'],
};

const LINKS: Readonly<Record<Section, string>> = {
  now: 'Now',
  populate: 'Test orders',
  scale: 'Scale',
  partitions: 'Partitions',
  letters: 'Dead letters',
  orders: 'Orders',
  migration: 'Migration',
};

/** The title, the links to the sections, and whether the page is connected. Emits `show-guide`. */
export class PageHeader extends LiveElement {
  /** The section that the address selects; `null`: none. */
  @property() section: Section | null = null;
  /** Without one there is no migration. */
  @property({ attribute: false }) hasFacade = false;
  @property({ type: Boolean }) isGuideOpen = true;

  protected override render(): TemplateResult {
    const { section, hasFacade } = this;
    const { session } = this.client;
    const [connection, style] = CONNECTION[this.live.state];
    const links = Object.entries(LINKS).filter(([name]) => name !== 'migration' || hasFacade);
    return html`<header class="top">
      <h1>Orders pipeline</h1>
      <nav aria-label="Parts of the page">
        ${links.map(
          ([name, text]) =>
            html`<a href="#${name}" aria-current=${name === section ? 'location' : nothing}>${text}</a> `,
        )}
        <a href="/docs">API</a>
      </nav>
      ${this.isGuideOpen ? nothing : html`<button @click=${() => this.dispatchEvent(new Event('show-guide'))}>Show guide</button>`}
      ${session.token === null ? nothing : html`<button @click=${() => session.signOut('You signed out.')}>Sign out</button>`}
      <p class="connection ${style}" role="status">${connection}</p>
    </header>`;
  }
}
