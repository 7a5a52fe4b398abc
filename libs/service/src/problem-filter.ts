import { STATUS_CODES } from 'node:http';
import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { MongoError } from 'mongodb';
import { Problem, problemType, type ProblemExtensions } from './problem.js';

const SERVICE_UNAVAILABLE = 503;

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly extensions?: ProblemExtensions;
}

/** Every error of a service leaves as problem details, the framework's own included; the unexpected ones tell nothing of their inside. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    this.send(error, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  /** For what fails before Nest has the request, such as an address that can't be decoded. */
  send(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
    const { status, code, detail, extensions } = this.answerTo(error);
    if (status === SERVICE_UNAVAILABLE) void reply.header('Retry-After', '5');
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

  private answerTo(error: unknown): Answer {
    if (error instanceof Problem)
      return { status: error.getStatus(), code: error.code, detail: error.detail, extensions: error.extensions };
    if (error instanceof HttpException) return frameworkError(error);
    const status = statusOf(error);
    if (status !== undefined) return { status, code: codeOf(status), detail: (error as Error).message };
    if (error instanceof MongoError && isAway(error)) {
      this.logger.warn({ reason: String(error) }, 'MongoDB is away');
      return {
        status: 503,
        code: 'database-away',
        detail: 'The database does not answer. Try again in a few seconds.',
      };
    }
    this.logger.error(error instanceof Error ? error.stack : String(error), 'unexpected error');
    return { status: 500, code: 'internal-error', detail: 'Something went wrong here; the log tells what.' };
  }
}

/** Nest's own exceptions: an unknown route, a health check that failed. */
function frameworkError(error: HttpException): Answer {
  const status = error.getStatus();
  const body = error.getResponse();
  const details = typeof body === 'object' && 'details' in body ? { checks: body.details } : {};
  return { status, code: codeOf(status), detail: error.message, extensions: details };
}

/** Fastify's errors carry the status that they mean; only those that blame the caller are passed on. */
function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('statusCode' in error) || typeof error.statusCode !== 'number') return undefined;
  return error.statusCode >= 400 && error.statusCode < 500 ? error.statusCode : undefined;
}

function codeOf(status: number): string {
  return (STATUS_CODES[status] ?? 'error').toLowerCase().replaceAll(/[^a-z]+/g, '-');
}

function isAway(error: MongoError): boolean {
  return (
    /^Mongo(Network|ServerSelection|WaitQueue|OperationTimeout|TopologyClosed|NotConnected|PoolCleared)/.test(
      error.name,
    ) || error.hasErrorLabel('RetryableWriteError')
  );
}
