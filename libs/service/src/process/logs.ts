import type { DynamicModule } from '@nestjs/common';
import { LoggerModule } from 'nestjs-pino';
import type { Options } from 'pino-http';
import { pino, type DestinationStream, type Logger } from 'pino';

type Fields = Readonly<Record<string, string>>;

let contextFields: (() => Fields) | undefined;

/** Adds fields to each line of the loggers that are created from now on, such as the ids of the active span. */
export function addLogFields(fields: () => Fields): void {
  contextFields = fields;
}

/** Creates the process's structured log: JSON lines on stdout, with the service's name. */
export function createLogger(service: string, level: string, destination?: DestinationStream): Logger {
  const options = {
    level,
    base: { service, pid: process.pid },
    timestamp: pino.stdTimeFunctions.isoTime,
    ...(contextFields !== undefined && { mixin: contextFields }),
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** What a log line says of a request. Never a header: they hold tokens, keys and cookies. */
interface LoggedRequest {
  readonly id: unknown;
  readonly method: string;
  readonly url: string;
  readonly remoteAddress: string;
}

/** Names of parameters that may be secrets although no service reads them in a query, such as the code of a login. */
const SECRET_NAME = /token|secret|password|key|auth|^(?:code|state)$/i;
/** The longest logged URL, in characters. Node.js accepts 16 KiB of headers. */
const MAX_URL_LENGTH = 2_048;

/**
 * Returns the URL of a request for the log: at most its first 2,048 characters, and without the values of parameters that may be secrets.
 * @param isSecret judges the name of a parameter. It gets no character of the URL twice, so that a long URL costs no more than its length.
 */
export function loggedUrl(url: string, isSecret = (name: string): boolean => SECRET_NAME.test(name)): string {
  const [path = '', ...parameters] = url.slice(0, MAX_URL_LENGTH).split(/(?=[?&])/);
  const logged = parameters.map((parameter) => {
    const at = parameter.indexOf('=');
    return at !== -1 && isSecret(parameter.slice(1, at)) ? `${parameter.slice(0, at)}=***` : parameter;
  });
  return path + logged.join('') + (url.length > MAX_URL_LENGTH ? '…' : '');
}

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
        url: loggedUrl(url),
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
