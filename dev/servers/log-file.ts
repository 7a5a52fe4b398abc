import { closeSync, createWriteStream, existsSync, mkdirSync, openSync, readFileSync, renameSync } from 'node:fs';
import type { WriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';

const SHOWN_LINES = 12;

/** Opens a new log for a child process. Keeps the log of the last run and no older one: the logs stay bounded. */
export function openLog(path: string): { readonly fd: number; close(): void } {
  keepPrevious(path);
  const fd = openSync(path, 'a');
  return { fd, close: () => closeSync(fd) };
}

/** A log that this process writes, line by line. At `maxBytes` it becomes the previous log, and a new one begins. */
export class LogFile {
  private stream: WriteStream;
  private written = 0;

  constructor(
    private readonly path: string,
    private readonly maxBytes = 20_000_000,
  ) {
    this.stream = this.begin();
  }

  write(line: string): void {
    if (this.written > this.maxBytes) {
      this.stream.end();
      this.stream = this.begin();
    }
    this.written += Buffer.byteLength(line) + 1;
    this.stream.write(`${line}\n`);
  }

  /** Resolves when all lines are in the file. No line may follow. */
  async close(): Promise<void> {
    this.stream.end();
    await finished(this.stream);
  }

  private begin(): WriteStream {
    keepPrevious(this.path);
    this.written = 0;
    return createWriteStream(this.path, { flags: 'a', fd: openSync(this.path, 'a') });
  }
}

/** Matches a frame of a Java or Node.js stack trace: ten of them would hide the message above. */
const STACK_FRAME = /^\s+(at |\.\.\. \d+ more)/;

/** Returns the last lines of a log, indented for a message; empty if the log is missing or empty. */
export function readLastLines(path: string): string {
  const lines = existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : [];
  return lines
    .filter((line) => line !== '' && !STACK_FRAME.test(line))
    .slice(-SHOWN_LINES)
    .map((line) => `    ${line.slice(0, 400)}`)
    .join('\n');
}

function keepPrevious(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  if (existsSync(path)) renameSync(path, path.replace(/\.log$/, '.previous.log'));
}
