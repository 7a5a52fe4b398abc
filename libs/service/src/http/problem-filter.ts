import { STATUS_CODES } from 'node:http';
import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter, HttpStatus } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { systemClock } from '@orders-pipeline/clock';
import { IssuerUnavailableError } from '../auth/token-verifier.js';
import { isDatabaseUnavailable, isConnectionLost } from '../mongodb/mongo-errors.js';
import { Problem, problemType, type ProblemExtensions } from './problem.js';

declare module 'fastify' {
  interface FastifyRequest {
    /** The code of the problem that the response is. */
    problemCode?: string | null;
  }
}

const UNSUPPORTED_MEDIA_TYPE = 415;
const SERVICE_UNAVAILABLE = 503;

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly extensions?: ProblemExtensions;
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * Converts every error, including the framework's own, to problem details, unless the handler is called again. Unexpected errors expose
 * no internal details.
 */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    if (!repeatRead(error, request, reply)) this.send(error, request, reply);
  }

  /** Sends an error that occurs before Nest has the request, such as a URL that can't be decoded. */
  send(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const { status, code, detail, extensions, headers } = this.answerTo(error, request);
    request.problemCode = code;
    if (status === SERVICE_UNAVAILABLE) void reply.header('Retry-After', '5');
    void reply.headers(headers ?? {});
    void reply
      .status(status)
      .type('application/problem+json')
      .send(
        JSON.stringify({
          type: problemType(code),
          title: STATUS_CODES[status] ?? 'Error',
          status,
          detail,
          instance: request.url.split('?')[0],
          code,
          ...extensions,
        }),
      );
  }

  private answerTo(error: unknown, request: FastifyRequest): Answer {
    if (error instanceof Problem) return problemAnswer(error);
    if (error instanceof IssuerUnavailableError) return issuerUnavailable(error);
    const status = error instanceof HttpException ? error.getStatus() : getStatus(error);
    if (status === UNSUPPORTED_MEDIA_TYPE) return problemAnswer(unsupportedContentType(request));
    if (error instanceof HttpException) return frameworkError(error);
    if (status !== undefined) return { status, code: codeOf(status), detail: (error as Error).message };
    if (isDatabaseUnavailable(error)) return this.databaseUnavailable(error);
    this.logger.error(error instanceof Error ? error.stack : String(error), 'unexpected error');
    return { status: 500, code: 'internal-error', detail: 'An unexpected error occurred; see the log.' };
  }

  private databaseUnavailable(error: Error): Answer {
    this.logger.warn({ reason: String(error) }, 'MongoDB is unavailable');
    const detail = 'The database did not respond in time. Retry in a few seconds.';
    return { status: SERVICE_UNAVAILABLE, code: 'database-away', detail };
  }
}

/** Not logged for each request: `IssuerKeys` logs once that the issuer became unavailable. */
function issuerUnavailable({ code }: IssuerUnavailableError): Answer {
  const detail = 'The token can not be checked, since its issuer is unavailable. Retry in a few seconds.';
  return { status: SERVICE_UNAVAILABLE, code, detail };
}

function problemAnswer(problem: Problem): Answer {
  const { code, detail, extensions, headers } = problem;
  return { status: problem.getStatus(), code, detail, extensions, headers };
}

/** Converts Nest's own exceptions, such as an unknown route or a failed health check. */
function frameworkError(error: HttpException): Answer {
  const status = error.getStatus();
  const body = error.getResponse();
  const details = typeof body === 'object' && 'details' in body ? { checks: body.details } : {};
  return { status, code: codeOf(status), detail: error.message, extensions: details };
}

/** Returns the status of a Fastify error; only client errors (4xx) are passed on. */
function getStatus(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number') return undefined;
  return error.statusCode >= 400 && error.statusCode < 500 ? error.statusCode : undefined;
}

function codeOf(status: number): string {
  return (STATUS_CODES[status] ?? 'error').toLowerCase().replaceAll(/[^a-z]+/g, '-');
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Media types of the bodies that the route accepts, for `@RouteConfig`. Default: JSON only. */
    accepts?: readonly string[];
  }
}

const SHOWN_LENGTH = 60;

/** Creates the 415 problem of a body that no parser accepts. RFC 9110, section 15.5.16: `Accept` lists the accepted media types. */
function unsupportedContentType({ headers, routeOptions }: FastifyRequest): Problem {
  const { accepts = ['application/json'] } = routeOptions.config;
  const given = headers['content-type'];
  const detail = `The Content-Type must be ${accepts.join(' or ')}, got ${given?.slice(0, SHOWN_LENGTH) ?? 'none'}.`;
  const accept = { Accept: accepts.join(', ') };
  return new Problem(HttpStatus.UNSUPPORTED_MEDIA_TYPE, 'unsupported-media-type', detail, {}, accept);
}

declare module 'fastify' {
  interface FastifyRequest {
    /** How often its handler was called again. */
    repeats?: number;
  }
  interface FastifyContextConfig {
    /** The route changes nothing, although its method is not GET: a failed request is repeated as well. */
    onlyReads?: boolean;
  }
}

const MAX_REPEATS = 3;
/** Time enough for the driver to notice that the member is down. From then on, its calls wait for a new primary. */
const PAUSE_MS = 100;

/**
 * Calls the handler of a read again if its connection to MongoDB broke, so that clients do not notice that a primary died. The driver
 * repeats a read once, often before it has noticed that the member is down, and does not repeat a read that failed while being sent,
 * nor the further batches of a cursor.
 *
 * It is called with errors only, since an interceptor costs each read 6 %. Guards and pipes run again too.
 * @returns whether the handler will respond; false for writes, other errors, after three repeats, and once the response has begun
 */
function repeatRead(error: unknown, request: FastifyRequest, reply: FastifyReply): boolean {
  const repeats = request.repeats ?? 0;
  if (!isConnectionLost(error) || repeats === MAX_REPEATS || reply.sent) return false;
  const { method, handler, config } = request.routeOptions;
  if (method !== 'GET' && config.onlyReads !== true) return false;
  request.repeats = repeats + 1;
  // Nest's handlers catch every error.
  systemClock.after(PAUSE_MS, () => void handler.call(request.server, request, reply));
  return true;
}
