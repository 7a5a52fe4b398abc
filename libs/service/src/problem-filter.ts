import { STATUS_CODES } from 'node:http';
import { Catch, HttpException, Logger, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { IssuerAwayError } from './auth/token-verifier.js';
import { isDatabaseAway } from './database-away.js';
import { Problem, problemType, type ProblemExtensions } from './problem.js';

const SERVICE_UNAVAILABLE = 503;

interface Answer {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  readonly extensions?: ProblemExtensions;
  readonly headers?: Readonly<Record<string, string>>;
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
    const { status, code, detail, extensions, headers } = this.answerTo(error);
    void reply.headers(headers ?? {});
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
    if (error instanceof Problem) {
      const { code, detail, extensions, headers } = error;
      return { status: error.getStatus(), code, detail, extensions, headers };
    }
    if (error instanceof IssuerAwayError) return this.issuerAway(error);
    if (error instanceof HttpException) return frameworkError(error);
    const status = statusOf(error);
    if (status !== undefined) return { status, code: codeOf(status), detail: (error as Error).message };
    if (isDatabaseAway(error)) return this.databaseAway(error);
    this.logger.error(error instanceof Error ? error.stack : String(error), 'unexpected error');
    return { status: 500, code: 'internal-error', detail: 'Something went wrong here; the log tells what.' };
  }

  private databaseAway(error: Error): Answer {
    this.logger.warn({ reason: String(error) }, 'MongoDB is away');
    const detail = 'The database does not answer in time. Try again in a few seconds.';
    return { status: SERVICE_UNAVAILABLE, code: 'database-away', detail };
  }

  private issuerAway(error: IssuerAwayError): Answer {
    this.logger.warn({ reason: error.message, cause: String(error.cause) }, 'the provider of the tokens is away');
    const detail = 'The token can not be checked now, since its provider does not answer. Try again in a few seconds.';
    return { status: SERVICE_UNAVAILABLE, code: error.code, detail };
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
