import type { TextStream } from '../terminal/terminal.js';

/** A standard stream that records its output, for specs. */
export class RecordedStream implements TextStream {
  text = '';

  constructor(
    readonly isTTY = false,
    readonly columns?: number,
  ) {}

  write(text: string): void {
    this.text += text;
  }

  /** The complete lines written so far. */
  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}
