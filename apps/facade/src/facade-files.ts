import type { Logger } from 'pino';
import type { Clock } from '@orders-pipeline/clock';
import { ClientKeys } from './clients.js';
import { IgnoreRules } from './comparison/ignore-rules.js';
import { WatchedFile } from './watched-file.js';

interface FacadeFilesOptions {
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
    const open = async <T>(path: string | undefined, parse: (text: string) => T) =>
      path === undefined ? undefined : WatchedFile.open({ path, parse, clock, logger });
    const parseRules = (text: string): IgnoreRules => {
      const rules = IgnoreRules.parse(text);
      for (const { path, expires, reason } of rules.expired(clock.now()))
        logger.warn({ path, expires, reason }, 'ignore rule has expired: its differences are reported again');
      return rules;
    };
    const clients = await open(clientsPath, (text) => ClientKeys.parse(text, isProduction));
    return new FacadeFiles(clients, await open(rulesPath, parseRules));
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
