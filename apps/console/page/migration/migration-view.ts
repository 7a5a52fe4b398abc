import { html, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { property, state } from 'lit/decorators.js';
import { PageElement } from '../page-element.js';

/** The place of the migration. Loads its scripts when it is shown for the first time: most pages have no facade. */
export class MigrationView extends PageElement {
  @property({ attribute: false }) isShown = false;
  @state() protected loading: 'not-loaded' | 'loaded' | 'failed' = 'not-loaded';

  protected override updated(changed: PropertyValues<this>): void {
    if (changed.has('isShown') && this.isShown && this.loading !== 'loaded') void this.load();
  }

  protected override render(): TemplateResult | typeof nothing {
    if (!this.isShown) return nothing;
    return html`<section id="migration" class="card wide" aria-labelledby="migration-title">
      <h2 id="migration-title" tabindex="-1">Migration</h2>
      ${this.content()}
    </section>`;
  }

  private content(): TemplateResult {
    switch (this.loading) {
      case 'loaded':
        return html`<migration-page></migration-page>`;
      case 'failed':
        return html`<p role="alert" class="bad">The scripts of this part could not be loaded.</p>
          <button @click=${() => location.reload()}>Reload page</button>`;
      case 'not-loaded':
        return html`<p class="muted">Loading…</p>`;
    }
  }

  private async load(): Promise<void> {
    this.loading = 'not-loaded';
    try {
      const { defineMigration } = await import('./migration-page.js');
      if (customElements.get('migration-page') === undefined) defineMigration();
      this.loading = 'loaded';
    } catch {
      this.loading = 'failed';
    }
  }
}
