import type { OperationResponse } from '../../apps/producer/src/operations/operation-response.js';
import { betweenTries } from './eventually.js';

const POLL_EVERY_MS = 200;

/** The responses that one reader received, in order. */
export type Answers = readonly OperationResponse[];

/** Readers that poll one operation five times a second each, until they are stopped. */
export class ProgressReaders {
  private readonly stopping = new AbortController();
  private readonly reading: Promise<Answers[]>;

  constructor(url: string, readers: number) {
    this.reading = Promise.all(Array.from({ length: readers }, async () => this.poll(url)));
  }

  /** @returns the responses of each reader. @throws the first error of a reader */
  async stop(): Promise<Answers[]> {
    this.stopping.abort();
    return this.reading;
  }

  private async poll(url: string): Promise<Answers> {
    const answers: OperationResponse[] = [];
    while (!this.stopping.signal.aborted) {
      const response = await fetch(url);
      answers.push((await response.json()) as OperationResponse);
      await betweenTries(POLL_EVERY_MS, this.stopping.signal);
    }
    return answers;
  }
}
