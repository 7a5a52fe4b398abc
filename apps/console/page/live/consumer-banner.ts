import { html, nothing, type TemplateResult } from 'lit';
import { crashNotice } from './crash-notice.js';
import { LivePart } from './live-part.js';

/** Shows that a consumer died, once for the whole page. */
export class CrashBanner extends LivePart {
  protected override render(): TemplateResult | typeof nothing {
    const notice = crashNotice(this.live.latest?.changes ?? []);
    if (notice === null) return nothing;
    return notice.isOngoing
      ? html`<p class="banner bad" role="alert">${notice.text}</p>`
      : html`<p class="banner" role="status">${notice.text}</p>`;
  }
}
