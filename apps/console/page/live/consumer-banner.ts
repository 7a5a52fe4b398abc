import { html, nothing, type TemplateResult } from 'lit';
import { crashNotice } from './crash-notice.js';
import { LivePart } from './live-part.js';
import { waitingNotice } from './waiting-notice.js';

/** Shows that a consumer died or can not work, once for the whole page. */
export class ConsumerBanner extends LivePart {
  protected override render(): TemplateResult {
    const { changes = [], consumers = null } = this.live.latest ?? {};
    const crash = crashNotice(changes);
    const waiting = waitingNotice(consumers ?? []);
    return html`${crash === null ? nothing : banner(crash.text, crash.isOngoing)}
    ${waiting === null ? nothing : banner(waiting, true)}`;
  }
}

function banner(text: string, isBad: boolean): TemplateResult {
  return isBad
    ? html`<p class="banner bad" role="alert">${text}</p>`
    : html`<p class="banner" role="status">${text}</p>`;
}
