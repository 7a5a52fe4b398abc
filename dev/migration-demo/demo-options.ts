import type { TranslationBug } from './bugs/translation-bugs.js';

/** The options of `npm run migration -- demo`. */
export interface DemoOptions {
  readonly bug: TranslationBug;
  /** Orders that the legacy system has before the demo. */
  readonly orders: number;
  /** Requests per second of all clients together. */
  readonly rate: number;
  /** Settings of the facades that differ from their defaults: those of the gate and of the automatic rollback. */
  readonly facadeSettings: Readonly<Record<string, string>>;
  /** Folder of the report. */
  readonly reportFolder: string;
}
