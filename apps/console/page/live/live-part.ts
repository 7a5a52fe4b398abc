import { Part } from '../part.js';
import type { LivePipeline } from './live-pipeline.js';

/** A part that re-renders whenever the state of the pipeline changes. */
export abstract class LivePart extends Part {
  static override properties = { live: { attribute: false } };
  declare live: LivePipeline;
  private readonly onChange = (): void => this.changed();

  override connectedCallback(): void {
    super.connectedCallback();
    this.live.addEventListener('change', this.onChange);
  }

  override disconnectedCallback(): void {
    this.live.removeEventListener('change', this.onChange);
    super.disconnectedCallback();
  }

  protected changed(): void {
    this.requestUpdate();
  }
}
