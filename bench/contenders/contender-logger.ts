import type { EngineLogger } from '@orders-pipeline/parallel-consumer';

/** Not printed: with poison, one line per record would hide all others. */
const DEAD_LETTERED = 'record dead-lettered';

function print(details: object, message: string): void {
  if (message !== DEAD_LETTERED) process.stderr.write(`    ${message} ${JSON.stringify(details)}\n`);
}

/** Prints only warnings and errors, which may distort a figure. */
export const contenderLogger: EngineLogger = { info: () => undefined, warn: print, error: print };
