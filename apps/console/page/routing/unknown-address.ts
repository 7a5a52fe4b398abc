import { html, type TemplateResult } from 'lit';
import { quoted } from '../forms/number-text.js';

/** Says that a fragment of the URL selects nothing, and where to go. */
export function unknownAddress(hash: string): TemplateResult {
  return html`<p class="banner bad" role="alert">
    This page has nothing at ${quoted(hash)}. Choose a section in the header, or
    <a href="#orders">search for an order, an operation or a dead letter</a> by its id.
  </p>`;
}
