import { LitElement } from 'lit';

/** A part of the page. It has no shadow root: one style sheet is for all, and labels and headings are of one document. */
export abstract class Part extends LitElement {
  protected override createRenderRoot(): this {
    return this;
  }
}
