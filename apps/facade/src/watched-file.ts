import { readFile, stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Clock } from '@orders-pipeline/clock';

const CHECK_MS = 1_000;

/** Thrown at the start when a file can't be read, or has other content than it should. */
class BadFileError extends Error {
  override readonly name = 'BadFileError';
  readonly code = 'bad-file';
}

/** Reads the text of a JSON file. @param example shows what is allowed @throws Error that names the wrong entry */
export function parseJsonFile<T>(text: string, schema: z.ZodType<T>, example: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new Error(`is not JSON: ${messageOf(cause)}`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${issue?.path.join('.') || 'the file'} ${issue?.message ?? 'is wrong'}; it must be ${example}`);
}

interface WatchedFileOptions<T> {
  readonly path: string;
  /** @throws Error with what is wrong, and what is allowed */
  readonly parse: (text: string) => T;
  readonly clock: Clock;
  readonly logger: Pick<Logger, 'info' | 'error'>;
}

/**
 * A file that is read again when it has changed; a wrong one is logged, and its earlier content stays in use. It is polled once a second
 * by its status: file events do not reach into containers, and miss a file that was replaced by another one.
 */
export class WatchedFile<T> {
  private cancel: (() => void) | undefined;
  private isClosed = false;

  private constructor(
    private readonly options: WatchedFileOptions<T>,
    private version: string,
    public content: T,
  ) {}

  /** @throws BadFileError if the file can't be read at first */
  static async open<T>(options: WatchedFileOptions<T>): Promise<WatchedFile<T>> {
    const { path, parse } = options;
    try {
      const version = await versionOf(path);
      const file = new WatchedFile(options, version, parse(await readFile(path, 'utf8')));
      file.schedule();
      return file;
    } catch (cause) {
      throw new BadFileError(`${path}: ${messageOf(cause)}`, { cause });
    }
  }

  close(): void {
    this.isClosed = true;
    this.cancel?.();
  }

  private schedule(): void {
    if (!this.isClosed) this.cancel = this.options.clock.after(CHECK_MS, () => void this.check());
  }

  private async check(): Promise<void> {
    const { path, parse, logger } = this.options;
    try {
      const version = await versionOf(path);
      if (version !== this.version) {
        // A wrong version is reported once.
        this.version = version;
        this.content = parse(await readFile(path, 'utf8'));
        logger.info({ path }, 'file read again');
      }
    } catch (error) {
      const reason = messageOf(error);
      logger.error({ path, reason }, 'changed file is wrong: its earlier content stays in use');
    }
    this.schedule();
  }
}

async function versionOf(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true });
  return `${ino} ${size} ${mtimeNs}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
