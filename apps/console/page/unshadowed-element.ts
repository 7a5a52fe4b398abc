import { LitElement } from 'lit';

/** A part of the page. Has no shadow root, so that all parts share one style sheet, and labels and headings belong to one document. */
export abstract class UnshadowedElement extends LitElement {
  protected override createRenderRoot(): this {
    return this;
  }
}
