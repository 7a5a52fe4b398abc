import { html, type TemplateResult } from 'lit';
import { LivePart } from './live-part.js';
import type { ConnectionState } from './live-pipeline.js';

const TEXTS: Readonly<Record<ConnectionState, readonly [text: string, style: string]>> = {
  connecting: ['connecting', 'muted'],
  live: ['live', 'good'],
  reconnecting: ['not connected, retrying', 'bad'],
  'signed-out': ['not signed in', 'muted'],
};

/** Shows whether the figures are those of now. */
export class ConnectionStateView extends LivePart {
  protected override render(): TemplateResult {
    const [text, style] = TEXTS[this.live.state];
    return html`<p class="connection ${style}" role="status">${text}</p>`;
  }
}
