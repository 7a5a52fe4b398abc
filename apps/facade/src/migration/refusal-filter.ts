import { Catch, HttpException, HttpStatus, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '#service/http/problem.js';
import { ProblemFilter } from '#service/http/problem-filter.js';
import { ChangeRefusal } from '../stages/change-refusal.js';
import { MigrationView } from './migration-view.js';

const CLIENT_ERRORS = new Set([400, 409]);

/** Adds the whole state to each 400 and 409, so that a client need not ask again what has not changed. */
@Catch()
export class RefusalFilter implements ExceptionFilter {
  private readonly problems = new ProblemFilter();

  constructor(private readonly view: MigrationView) {}

  async catch(error: unknown, host: ArgumentsHost): Promise<void> {
    const refused = await this.withState(error);
    const http = host.switchToHttp();
    this.problems.send(refused, http.getRequest<FastifyRequest>(), http.getResponse<FastifyReply>());
  }

  private async withState(error: unknown): Promise<unknown> {
    const refused = error instanceof ChangeRefusal ? toProblem(error) : error;
    if (!(refused instanceof HttpException) || !CLIENT_ERRORS.has(refused.getStatus())) return refused;
    try {
      const state = await this.view.whole();
      const {
        code = 'bad-request',
        detail = refused.message,
        extensions = {},
        headers = {},
      } = refused as Partial<Problem>;
      return new Problem(statusOf(refused.getStatus()), code, detail, { ...extensions, state }, headers);
    } catch (unavailable) {
      return unavailable;
    }
  }
}

function toProblem({ status, code, message, gate }: ChangeRefusal): Problem {
  return new Problem(statusOf(status), code, message, gate.length > 0 ? { gate } : {});
}

function statusOf(status: number): HttpStatus {
  return status === 400 ? HttpStatus.BAD_REQUEST : HttpStatus.CONFLICT;
}
