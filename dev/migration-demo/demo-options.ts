import { resolve } from 'node:path';
import { PROJECT_DIRECTORY } from '../project-directory.js';
import { StackError } from '../stack-error.js';
import { BUG_NAMES, bugOf, type TranslationBug } from './bugs/translation-bugs.js';

/** The options as the command line gives them. */
export interface GivenOptions {
  readonly bug: string;
  readonly report: string;
  readonly orders: number;
  readonly rate: number;
}

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

/**
 * Five minutes are enough for this many samples. The demo kills processes, and what waits for them meanwhile is far more than one answer in
 * a hundred: by the defaults, the gate would ask for as many further samples as take an hour.
 */
const DEMO_GATES = { GATE_MIN_SAMPLES: '200', GATE_P99_FLOOR_MS: '3000' };

/** @throws StackError `bad-flag` for an unknown bug, or a number below 1 */
export function readDemoOptions(given: GivenOptions, env: NodeJS.ProcessEnv): DemoOptions {
  const { bug: name, report, orders, rate } = given;
  const bug = bugOf(name);
  if (bug === undefined)
    throw new StackError('bad-flag', `--bug must be one of these names, got "${name}":`, `  ${BUG_NAMES.join('\n  ')}`);
  for (const [flag, value] of Object.entries({ orders, rate }))
    if (value < 1) throw new StackError('bad-flag', `--${flag} must be at least 1, got ${value}.`, '');
  return {
    bug,
    orders,
    rate,
    facadeSettings: { ...DEMO_GATES, ...facadeSettingsIn(env) },
    reportFolder: resolve(PROJECT_DIRECTORY, report),
  };
}

function facadeSettingsIn(env: NodeJS.ProcessEnv): Readonly<Record<string, string>> {
  const given = Object.entries(env).filter(([name]) => /^(GATE|ROLLBACK)_/.test(name));
  return Object.fromEntries(given.map(([name, value = '']) => [name, value]));
}
