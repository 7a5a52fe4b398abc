import { LitElement } from 'lit';
import type { Client } from './client.js';
import type { LivePipeline } from './live/live-pipeline.js';
import type { Operations } from './populate/operations.js';
import type { Router } from './routing.js';

/** What the parts of the page have in common. */
interface PageContext {
  readonly client: Client;
  readonly live: LivePipeline;
  readonly operations: Operations;
  readonly router: Router;
}

/** A part of the page. Has no shadow root, so that all parts share one style sheet, and labels and headings belong to one document. */
export abstract class PageElement extends LitElement {
  /** Set before the first element is defined. */
  static context: PageContext;
  protected readonly client = PageElement.context.client;
  protected readonly live = PageElement.context.live;
  protected readonly operations = PageElement.context.operations;
  protected readonly router = PageElement.context.router;

  protected override createRenderRoot(): this {
    return this;
  }

  /** Listens for `change` events of a source while the element is on the page. Without a listener, the element renders again. */
  protected follow(source: EventTarget, changed = (): void => this.requestUpdate()): void {
    this.addController({
      hostConnected: () => source.addEventListener('change', changed),
      hostDisconnected: () => source.removeEventListener('change', changed),
    });
  }
}

/** A part that renders again whenever the state of the pipeline changes. */
export abstract class LiveElement extends PageElement {
  constructor() {
    super();
    this.follow(this.live, () => this.changed());
  }

  protected changed(): void {
    this.requestUpdate();
  }
}
