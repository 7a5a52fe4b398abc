import { inspect } from 'node:util';
import { Logger, type LoggerService } from '@nestjs/common';
import type { EngineLogger } from '@orders-pipeline/parallel-consumer';

/** Adapts a Nest logger to the engine: each entry is the message, then the details on the same line. */
export function nestEngineLogger(logger: LoggerService): EngineLogger {
  return {
    debug: (details, message) => {
      // Formatting the details of every retry costs more than a disabled level should.
      if (Logger.isLevelEnabled('debug')) logger.debug?.(line(details, message));
    },
    info: (details, message) => void logger.log(line(details, message)),
    warn: (details, message) => void logger.warn(line(details, message)),
    error: (details, message) => void logger.error(line(details, message)),
  };
}

function line(details: object, message: string): string {
  const isEmpty = Object.keys(details).length === 0;
  return isEmpty ? message : `${message} ${inspect(details, { breakLength: Number.POSITIVE_INFINITY })}`;
}
