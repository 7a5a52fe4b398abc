import { readFile, stat } from 'node:fs/promises';
import type { Logger } from 'pino';
import type { Clock } from '@orders-pipeline/clock';
import { ClientKeys } from './clients.js';
import { IgnoreRules } from './comparison/ignore-rules.js';

const CHECK_MS = 1_000;

/** Thrown at the start when a file can't be read, or has other content than it should. */
export class BadFileError extends Error {
  override readonly name = 'BadFileError';
  readonly code = 'bad-file';
}

export interface WatchedFileOptions<T> {
  readonly path: string;
  /** @throws Error with what is wrong, and what is allowed */
  readonly parse: (text: string) => T;
  readonly clock: Clock;
  /** Called with each new content. */
  readonly onChange: (content: T) => void;
  /** Called when a changed file is wrong. The earlier content stays in use. */
  readonly onFailure: (error: Error) => void;
}

/**
 * A file that is read again when it has changed. It is polled once a second by its status: file events do not reach into containers, and
 * miss a file that was replaced by another one.
 */
export class WatchedFile<T> {
  private cancel: (() => void) | undefined;
  private version = '';
  private isClosed = false;

  private constructor(
    private readonly options: WatchedFileOptions<T>,
    public content: T,
  ) {}

  /** @throws BadFileError if the file can't be read at first */
  static async open<T>(options: WatchedFileOptions<T>): Promise<WatchedFile<T>> {
    try {
      const version = await versionOf(options.path);
      const file = new WatchedFile(options, options.parse(await readFile(options.path, 'utf8')));
      file.version = version;
      file.schedule();
      return file;
    } catch (cause) {
      throw new BadFileError(`${options.path}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
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
    const { path, parse, onChange, onFailure } = this.options;
    try {
      const version = await versionOf(path);
      if (version !== this.version) {
        // A wrong version is reported once.
        this.version = version;
        this.content = parse(await readFile(path, 'utf8'));
        onChange(this.content);
      }
    } catch (error) {
      onFailure(error instanceof Error ? error : new Error(String(error)));
    }
    this.schedule();
  }
}

async function versionOf(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true });
  return `${ino} ${size} ${mtimeNs}`;
}

export interface FacadeFilesOptions {
  /** `undefined`: there are no API keys. */
  readonly clientsPath: string | undefined;
  /** Whether the demo key is refused. */
  readonly isProduction: boolean;
  /** `undefined`: no difference is ignored. */
  readonly rulesPath: string | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

const NO_RULES = new IgnoreRules([]);

/** The files that an operator changes while the facade runs. */
export class FacadeFiles {
  private constructor(
    private readonly clients: WatchedFile<ClientKeys> | undefined,
    private readonly ignored: WatchedFile<IgnoreRules> | undefined,
  ) {}

  /** @throws BadFileError if one of them is wrong at the start; later, a wrong file is logged, and its earlier content stays in use */
  static async open({ clientsPath, isProduction, rulesPath, clock, logger }: FacadeFilesOptions): Promise<FacadeFiles> {
    const open = async <T>(path: string, parse: (text: string) => T, onLoaded: (content: T) => void) => {
      const onFailure = (error: Error): void =>
        logger.error({ path, reason: error.message }, 'changed file is wrong: its earlier content stays in use');
      const onChange = (content: T): void => {
        logger.info({ path }, 'file read again');
        onLoaded(content);
      };
      const file = await WatchedFile.open({ path, parse, clock, onChange, onFailure });
      onLoaded(file.content);
      return file;
    };
    const reportExpired = (rules: IgnoreRules): void => {
      for (const { path, expires, reason } of rules.expired(clock.now()))
        logger.warn({ path, expires, reason }, 'ignore rule has expired: its differences are reported again');
    };
    const clients =
      clientsPath === undefined
        ? undefined
        : await open(
            clientsPath,
            (text) => ClientKeys.parse(text, isProduction),
            () => undefined,
          );
    const ignored =
      rulesPath === undefined ? undefined : await open(rulesPath, (text) => IgnoreRules.parse(text), reportExpired);
    return new FacadeFiles(clients, ignored);
  }

  /** Returns the API keys that are valid now; `undefined` without a file. */
  get keys(): ClientKeys | undefined {
    return this.clients?.content;
  }

  get rules(): IgnoreRules {
    return this.ignored?.content ?? NO_RULES;
  }

  close(): void {
    this.clients?.close();
    this.ignored?.close();
  }
}
