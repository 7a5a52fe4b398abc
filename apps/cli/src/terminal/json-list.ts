import type { TextStream } from './terminal.js';

/** Writes a JSON array item by item, so that a list of any length needs constant memory. */
export class JsonList {
  private isEmpty = true;

  constructor(private readonly stream: TextStream) {}

  add(item: unknown): void {
    this.stream.write(`${this.isEmpty ? '[' : ','}\n${JSON.stringify(item)}`);
    this.isEmpty = false;
  }

  end(): void {
    this.stream.write(this.isEmpty ? '[]\n' : '\n]\n');
  }
}
