import type { TextStream } from '../terminal/terminal.js';

/** A standard stream that keeps what is written, for specs. */
export class RecordedStream implements TextStream {
  text = '';

  constructor(
    readonly isTTY = false,
    readonly columns?: number,
  ) {}

  write(text: string): void {
    this.text += text;
  }

  /** The lines written whole so far. */
  get lines(): string[] {
    return this.text.split('\n').slice(0, -1);
  }
}
