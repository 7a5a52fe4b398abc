import { Get, Header, HttpCode, HttpStatus, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiConflictResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { Audited } from '#service/auth/audit.interceptor.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { notFound, Problem } from '#service/http/problem.js';
import type { HighestNumber } from './highest-number.js';
import type { RunDocument, RunKind } from './run-document.js';
import { FindingsQuerySchema, RunIdSchema, type FindingsQuery } from './run-response.js';
import type { StoredFindings } from './stored-findings.js';
import { RunUnderWayError, type StoredRuns } from './stored-runs.js';

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
  const { kind, noun, schema, findings } = routes;
  const path = `/v1/migration/${kind}`;
  const Noun = `${noun.charAt(0).toUpperCase()}${noun.slice(1)}`;
  const unknown = { description: `Problem details: no such ${noun}` };

  @RequiresScope('ops:migrate')
  abstract class RunsController {
    constructor(
      private readonly runs: StoredRuns<P, R>,
      private readonly found: StoredFindings<unknown>,
      private readonly highest: HighestNumber,
    ) {}

    @Post()
    @Audited(kind)
    @HttpCode(202)
    @ApiOperation({ operationId: `start${Noun}`, ...routes.start })
    @ApiAcceptedResponse({ standardSchema: schema })
    @ApiConflictResponse({ description: `Problem details \`run-under-way\`: a ${noun} has not ended` })
    async start(@Req() { caller }: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<B> {
      try {
        const run = await this.runs.start(routes.begin(await this.highest.read()), caller?.subject ?? 'anonymous');
        void reply.header('Location', `${path}/${run._id}`);
        return routes.response(run);
      } catch (error) {
        if (!(error instanceof RunUnderWayError)) throw error;
        throw new Problem(HttpStatus.CONFLICT, error.code, error.message, { id: error.runId });
      }
    }

    @Get()
    @Header('Cache-Control', 'no-store')
    @ApiOperation({ operationId: `getLast${Noun}`, summary: `Get the last ${noun}` })
    @ApiOkResponse({ standardSchema: schema })
    @ApiNotFoundResponse({ description: 'Problem details: there was none yet' })
    async last(): Promise<B> {
      const run = await this.runs.latest();
      if (run === null) throw notFound(`There was no ${noun} yet: start one by POST ${path}.`);
      return routes.response(run);
    }

    @Get(':id')
    @Header('Cache-Control', 'no-store')
    @ApiOperation({ operationId: `get${Noun}`, summary: `Get a ${noun}` })
    @ApiOkResponse({ standardSchema: schema })
    @ApiNotFoundResponse(unknown)
    async get(@Param('id', { schema: RunIdSchema }) id: string): Promise<B> {
      const run = await this.runs.find(id);
      if (run === null) throw notFound(`There is no ${noun} ${id}.`);
      return routes.response(run);
    }

    @Get(`:id/${findings.path}`)
    @Header('Cache-Control', 'no-store')
    @ApiOperation({ ...findings.operation, description: 'The first 10,000 are stored; all are counted.' })
    @ApiOkResponse({ standardSchema: findings.schema })
    async list(
      @Param('id', { schema: RunIdSchema }) id: string,
      @Query({ schema: FindingsQuerySchema }) query: FindingsQuery,
    ): Promise<{ items: unknown[] }> {
      return { items: await this.found.list(id, query) };
    }

    @Post(':id/cancel')
    @Audited(`cancel-${kind}`)
    @HttpCode(200)
    @ApiOperation({ operationId: `cancel${Noun}`, summary: `Cancel a ${noun}`, ...routes.cancel })
    @ApiOkResponse({ standardSchema: schema })
    @ApiNotFoundResponse(unknown)
    async cancel(@Param('id', { schema: RunIdSchema }) id: string): Promise<B> {
      await this.runs.cancel(id);
      return this.get(id);
    }
  }
  return RunsController;
}
