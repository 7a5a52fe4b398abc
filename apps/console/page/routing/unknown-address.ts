import { html, type TemplateResult } from 'lit';
import { quoted } from '../forms/number-text.js';

/** Says that a fragment of the URL selects nothing, and where to go. */
export function unknownAddress(hash: string): TemplateResult {
  return html`<p class="banner bad unknown-address" role="alert" tabindex="-1">
    This page has nothing at ${quoted(hash)}. Choose a section in the header, or
    <a href="#orders">search for an order, an operation or a dead letter</a> by its id.
  </p>`;
}

/** Scrolls to the message, which is above the sections, and moves the focus there, so that Tab reaches its link. Does nothing when there is none. */
export function revealUnknown(page: Element): void {
  const message = page.querySelector<HTMLElement>('.unknown-address');
  message?.scrollIntoView();
  message?.focus({ preventScroll: true });
}
