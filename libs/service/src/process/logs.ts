import type { DynamicModule } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import type { Options } from 'pino-http';
import { pino, type DestinationStream, type Logger } from 'pino';

/** Creates the process's structured log: JSON lines on stdout, with the service's name. */
export function createLogger(service: string, level: string, destination?: DestinationStream): Logger {
  const options = { level, base: { service, pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** What a log line says of a request. Never a header: they hold tokens, keys and cookies. */
interface LoggedRequest {
  readonly id: unknown;
  readonly method: string;
  readonly url: string;
  readonly remoteAddress: string;
}

/** Parameters of a query that may be secrets although no service reads them there, such as the code of a login. */
const SECRET_PARAMETER = /(?<=[?&])((?:[^=&]*(?:token|secret|password|key|auth)[^=&]*|code|state)=)[^&]*/gi;

/** How requests are logged: at `debug`, because thousands per second would drown all other lines; failures at `error`. */
export function requestLog(logger: Logger): Options {
  return {
    logger,
    quietReqLogger: true,
    customLogLevel: (_request, response) => (response.statusCode >= 500 ? 'error' : 'debug'),
    serializers: {
      req: ({ id, method, url, remoteAddress }: LoggedRequest) => ({
        id,
        method,
        url: url.replaceAll(SECRET_PARAMETER, '$1***'),
        remoteAddress,
      }),
      res: ({ statusCode }: { readonly statusCode: number }) => ({ statusCode }),
    },
  };
}

/** Lets Nest log through the same logger. */
export function logsModule(logger: Logger): DynamicModule {
  return LoggerModule.forRoot({ pinoHttp: requestLog(logger) });
}
