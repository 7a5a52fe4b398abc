import type { EngineLogger } from '#parallel-consumer/options.js';

/** Where poison is wanted, one line for each would hide all others. */
const DEAD_LETTERED = 'record dead-lettered';

function print(details: object, message: string): void {
  if (message !== DEAD_LETTERED) process.stderr.write(`    ${message} ${JSON.stringify(details)}\n`);
}

/** Prints only what may spoil a figure. */
export const contenderLogger: EngineLogger = { info: () => undefined, warn: print, error: print };
