import { openSync, writeSync } from 'node:fs';

/** How an attempt, or its insert, ended. `untried`: nothing was begun for it. */
export type Ending = 'done' | 'failed' | 'untried';

/** Milliseconds of a monotonic clock that all processes of a machine share. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1_000 + nanoseconds / 1_000_000;
}

/**
 * Appends what a consumer process does to a file of its own, one line for each event: a letter, the time, and fields. The file has all that was
 * written before a SIGKILL. Events are written at the end of a turn of the event loop, and before each effect that others can see (`flush`), so
 * that a kill loses only a last part without effect.
 */
export class TraceWriter {
  private readonly file: number;
  private lines = '';
  private attempts = 0;

  constructor(path: string) {
    this.file = openSync(path, 'a');
  }

  /** @returns the attempt's number in this file */
  started(partition: number, offset: number, fence: number, attempt: number): number {
    this.attempts += 1;
    this.add(`s ${monotonicMs()} ${this.attempts} ${partition} ${offset} ${fence} ${attempt}`);
    return this.attempts;
  }

  ended(attempt: number, ending: Ending): void {
    this.add(`e ${monotonicMs()} ${ending} ${attempt}`);
  }

  insertBegins(attempts: readonly number[]): void {
    this.add(`i ${monotonicMs()} ${attempts.join(' ')}`);
    this.flush();
  }

  insertEnded(attempts: readonly number[], endings: readonly Ending[]): void {
    const time = monotonicMs();
    for (const ending of new Set(endings))
      this.add(`r ${time} ${ending} ${attempts.filter((_, at) => endings[at] === ending).join(' ')}`);
  }

  committed(partition: number, offset: number): void {
    this.add(`c ${monotonicMs()} ${partition} ${offset}`);
  }

  /** An ownership has read its position. @param requestedAt when it was requested */
  began(partition: number, fence: number, requestedAt: number, offset: number, metadata: string): void {
    this.add(`b ${monotonicMs()} ${partition} ${fence} ${requestedAt} ${offset} ${metadata}`);
  }

  /** All ownerships of the process have ended. @param code of the reason */
  lost(code: string): void {
    this.add(`l ${monotonicMs()} ${code}`);
  }

  flush(): void {
    if (this.lines === '') return;
    writeSync(this.file, this.lines);
    this.lines = '';
  }

  private add(line: string): void {
    if (this.lines === '') setImmediate(() => this.flush());
    this.lines += `${line}\n`;
  }
}
