import { parseArgs } from 'node:util';
import { validate as isUuid } from 'uuid';
import { EXIT_CODES } from '#reconcile/report.js';

const USAGE = 'npm run reconcile -- OPERATION [--json] [--archive DIR]';
/** Shared with `pending`, as in `npm run orders`: there is no result yet, and another call is needed, corrected or later. */
const EXIT_CODE_OF_USAGE = 2;

/** The command line is wrong: nothing was checked. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly code = 'usage';
}

/** What to check, and how to print it. */
export interface CommandLine {
  readonly operationId: string;
  readonly json: boolean;
  /** The folder of the archives, to verify those of the operation. */
  readonly archive: string | undefined;
}

/** Reads the arguments of the command. @throws UsageError */
export function readCommandLine(args: readonly string[]): CommandLine {
  const { values, positionals } = parsed(args);
  const [operationId = '', ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`Give one operation, got ${positionals.length}: ${USAGE}`);
  if (!isUuid(operationId))
    throw new UsageError(`OPERATION must be the id of an operation, a UUID, got "${operationId}": ${USAGE}`);
  return { operationId: operationId.toLowerCase(), json: values.json ?? false, archive: values.archive };
}

/** Returns the exit code of a check that ended without a verdict. */
export function exitCodeOf(error: unknown): number {
  return error instanceof UsageError ? EXIT_CODE_OF_USAGE : EXIT_CODES.broken;
}

function parsed(args: readonly string[]) {
  try {
    const options = { json: { type: 'boolean' }, archive: { type: 'string' } } as const;
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    // `parseArgs` throws a TypeError for an unknown option, and nothing else.
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}: ${USAGE}`, { cause: error });
  }
}
