import type { EngineLogger } from '#parallel-consumer/options.js';

function tell(details: object, message: string): void {
  process.stderr.write(`    ${message} ${JSON.stringify(details)}\n`);
}

/** Says only what may spoil a figure. */
export const contenderLogger: EngineLogger = { info: () => undefined, warn: tell, error: tell };
