import { afterEach, describe, expect, it } from '@jest/globals';
import { Logger, type LoggerService, type LogLevel } from '@nestjs/common';
import { nestEngineLogger } from './nest-engine-logger.js';

/** A Nest logger that records its lines. */
function recordingLogger() {
  const lines: string[] = [];
  const write =
    (level: LogLevel) =>
    (line: unknown): void =>
      void lines.push(`${level}: ${String(line)}`);
  const logger: LoggerService = {
    log: write('log'),
    warn: write('warn'),
    error: write('error'),
    debug: write('debug'),
  };
  return { lines, logger: nestEngineLogger(logger) };
}

describe('nestEngineLogger', () => {
  afterEach(() => {
    Logger.overrideLogger(['log', 'fatal', 'error', 'warn', 'debug', 'verbose']);
  });

  it('writes the message and the details on one line, at the level of the same name', () => {
    const { lines, logger } = recordingLogger();
    logger.info({}, 'started');
    logger.warn({ partition: 1 }, 'retrying');
    logger.error({ partition: 1 }, 'failed');
    logger.debug?.({ offset: 7 }, 'retrying');
    expect(lines).toEqual([
      'log: started',
      'warn: retrying { partition: 1 }',
      'error: failed { partition: 1 }',
      'debug: retrying { offset: 7 }',
    ]);
  });

  it('formats nothing for a disabled debug level', () => {
    const { lines, logger } = recordingLogger();
    Logger.overrideLogger(['log']);
    const details = Object.defineProperty({}, 'offset', {
      enumerable: true,
      get: () => {
        throw new Error('formatted');
      },
    });
    logger.debug?.(details, 'retrying');
    expect(lines).toEqual([]);
  });
});
