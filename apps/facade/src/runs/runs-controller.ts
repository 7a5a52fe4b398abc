import { HttpStatus, Get, Header, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { z } from 'zod';
import {
  ApiAcceptedResponse,
  ApiConflictResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem, notFound } from '#service/http/problem.js';
import { timeLimit } from '#orders/time-limit.js';
import { Audited } from '#service/audit/audit-requests.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import type { NumberStore } from '../writes/number-blocks.js';
import { SideUnavailableError } from '../sides/side.js';
import type { LegacyPort } from '../sides/legacy-answers.js';
import type { RunDocument, RunKind, StoredRuns } from './stored-runs.js';

const LIMIT_MS = timeLimit(30_000);

/** The highest legacy number that an order may have at the moment: of the legacy system, or assigned by the facade. */
export class HighestNumber {
  constructor(
    private readonly legacy: Pick<LegacyPort, 'highestNumber'>,
    private readonly numbers: Pick<NumberStore, 'highest'>,
  ) {}

  /** @throws Problem 503 `legacy-away` if the legacy system does not answer within 30 s */
  async read(): Promise<number> {
    const [stored, assigned] = await Promise.all([this.ofLegacy(), this.numbers.highest()]);
    return Math.max(stored, assigned);
  }

  private async ofLegacy(): Promise<number> {
    try {
      return await this.legacy.highestNumber(AbortSignal.timeout(LIMIT_MS));
    } catch (error) {
      if (!(error instanceof SideUnavailableError)) throw error;
      throw new Problem(HttpStatus.SERVICE_UNAVAILABLE, error.code, `${error.publicMessage}. Retry in a second.`);
    }
  }
}

/** The id of a run in a path. */
const RunIdSchema = z
  .guid('must be a UUID')
  .toLowerCase()
  .describe('The id of the run: `id` of the response that started it.');

/** The query of what a run has found. */
const FindingsQuerySchema = z.strictObject({
  skip: z.coerce.number().int().min(0).max(10_000).default(0).describe('How many to skip.').meta({ default: 0 }),
  limit: z.coerce.number().int().min(1).max(1_000).default(100).describe('How many to return.').meta({ default: 100 }),
});
type FindingsQuery = z.infer<typeof FindingsQuerySchema>;

/** What the responses of all runs have. */
export const runFields = {
  id: z.uuid(),
  status: z.enum(['running', 'ended', 'cancelled']),
  problem: z
    .string()
    .nullable()
    .describe('Why it can not go on at the moment, such as a side that does not answer. It is retried.'),
  upTo: z.int().describe('The highest legacy number, as it was at the start.'),
  done: z.int().describe('All legacy numbers up to this one are done.'),
  startedBy: z.string(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
};

/** Returns the values of `runFields`. */
export function runResponse(run: RunDocument<{ readonly upTo: number; readonly next: number }>) {
  return {
    id: run._id,
    status: run.status,
    problem: run.problem,
    upTo: run.progress.upTo,
    done: run.progress.next - 1,
    startedBy: run.by,
    startedAt: run.startedAt.toISOString(),
    endedAt: run.endedAt?.toISOString() ?? null,
  };
}

/** What differs between the routes of the two kinds of runs. @typeParam B a response */
interface RunRoutes<P, R extends string, B> {
  /** Also the path below `/v1/migration/`, and the action in the audit log. */
  readonly kind: RunKind;
  /** What a run is called. */
  readonly noun: string;
  readonly schema: z.ZodType<B>;
  readonly start: { readonly summary: string; readonly description: string };
  readonly begin: (upTo: number) => P;
  readonly response: (run: RunDocument<P, R>) => B;
  /** What a run finds: a path below its own. */
  readonly findings: {
    readonly path: string;
    readonly operation: { readonly operationId: string; readonly summary: string };
    readonly schema: z.ZodType;
  };
  /** What more to say about the route that cancels a run. */
  readonly cancel?: { readonly description: string };
}

/** Creates the controller of a kind of runs: start, last, by id, findings and cancel. */
export function runsController<P, R extends string, B>(routes: RunRoutes<P, R, B>) {
  const { kind, noun, schema, findings, response } = routes;
  const path = `/v1/migration/${kind}`;
  const Noun = `${noun.charAt(0).toUpperCase()}${noun.slice(1)}`;

  @RequiresScope('ops:migrate')
  abstract class RunsController {
    protected abstract readonly runs: StoredRuns<P, R>;
    protected abstract readonly highest: HighestNumber;

    @Post()
    @Audited(kind)
    @HttpCode(202)
    @ApiOperation({ operationId: `start${Noun}`, ...routes.start })
    @ApiAcceptedResponse({ standardSchema: schema })
    @ApiConflictResponse({ description: `Problem details \`run-under-way\`: a ${noun} has not ended` })
    async start(@Req() { caller }: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<B> {
      const run = await this.runs.start(routes.begin(await this.highest.read()), caller?.subject ?? 'anonymous');
      void reply.header('Location', `${path}/${run._id}`);
      return response(run);
    }

    @Get()
    @Header('Cache-Control', 'no-store')
    @ApiOperation({ operationId: `getLast${Noun}`, summary: `Get the last ${noun}` })
    @ApiOkResponse({ standardSchema: schema })
    @ApiNotFoundResponse({ description: 'Problem details: there was none yet' })
    async last(): Promise<B> {
      const run = await this.runs.latest();
      return response(existing(run, `There was no ${noun} yet: start one by POST ${path}.`));
    }

    @Get(':id')
    @Header('Cache-Control', 'no-store')
    @ApiOperation({ operationId: `get${Noun}`, summary: `Get a ${noun}` })
    @ApiOkResponse({ standardSchema: schema })
    @ApiNotFoundResponse({ description: `Problem details: no such ${noun}` })
    async get(@Param('id', { schema: RunIdSchema }) id: string): Promise<B> {
      return response(existing(await this.runs.find(id), `There is no ${noun} ${id}.`));
    }

    @Get(`:id/${findings.path}`)
    @Header('Cache-Control', 'no-store')
    @ApiOperation({ ...findings.operation, description: 'The first 10,000 are stored; all are counted.' })
    @ApiOkResponse({ standardSchema: findings.schema })
    async list(
      @Param('id', { schema: RunIdSchema }) id: string,
      @Query({ schema: FindingsQuerySchema }) query: FindingsQuery,
    ): Promise<{ items: unknown[] }> {
      return { items: await this.runs.findings.list(id, query) };
    }

    @Post(':id/cancel')
    @Audited(`cancel-${kind}`)
    @HttpCode(200)
    @ApiOperation({ operationId: `cancel${Noun}`, summary: `Cancel a ${noun}`, ...routes.cancel })
    @ApiOkResponse({ standardSchema: schema })
    @ApiNotFoundResponse({ description: `Problem details: no such ${noun}` })
    async cancel(@Param('id', { schema: RunIdSchema }) id: string): Promise<B> {
      await this.runs.cancel(id);
      return this.get(id);
    }
  }
  return RunsController;
}

/** @throws Problem 404 for `null` */
function existing<T>(run: T | null, detail: string): T {
  if (run === null) throw notFound(detail);
  return run;
}
