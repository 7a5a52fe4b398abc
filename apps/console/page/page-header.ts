import { html, nothing, type TemplateResult } from 'lit';
import type { Session } from './api/session.js';
import { LivePart } from './live/live-part.js';
import type { Section } from './routing/address.js';

const LINKS: Readonly<Record<Section, string>> = {
  now: 'Now',
  populate: 'Populate',
  scale: 'Scale',
  partitions: 'Partitions',
  letters: 'Dead letters',
  orders: 'Orders',
  migration: 'Migration',
};

/** The title, the links to the sections, and whether the page is connected. Emits `show-guide`. */
export class PageHeader extends LivePart {
  static override properties = {
    ...LivePart.properties,
    session: { attribute: false },
    section: {},
    hasFacade: { attribute: false },
    isGuideOpen: { type: Boolean },
  };
  declare session: Session;
  /** The section that the address selects; `null`: none. */
  declare section: Section | null;
  /** Without one there is no migration. */
  declare hasFacade: boolean;
  declare isGuideOpen: boolean;

  constructor() {
    super();
    this.section = null;
    this.hasFacade = false;
    this.isGuideOpen = true;
  }

  protected override render(): TemplateResult {
    const { live, session, section, hasFacade } = this;
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
      <connection-state .live=${live}></connection-state>
    </header>`;
  }
}
