import { Get, Header, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiConflictResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
} from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { Audited } from '#service/audit/audited.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { notFound } from '#service/http/problem.js';
import type { HighestNumber } from './highest-number.js';
import type { RunDocument, RunKind } from './run-document.js';
import { FindingsQuerySchema, RunIdSchema, type FindingsQuery } from './run-response.js';
import type { StoredFindings } from './stored-findings.js';
import type { StoredRuns } from './stored-runs.js';

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

/** What the routes need. */
interface RunParts<P, R extends string> {
  readonly runs: StoredRuns<P, R>;
  readonly findings: StoredFindings<unknown>;
  readonly highest: HighestNumber;
}

/** Creates the controller of a kind of runs: start, last, by id, findings and cancel. */
export function runsController<P, R extends string, B>(routes: RunRoutes<P, R, B>) {
  const { kind, noun, schema, findings, response } = routes;
  const path = `/v1/migration/${kind}`;
  const Noun = `${noun.charAt(0).toUpperCase()}${noun.slice(1)}`;

  @RequiresScope('ops:migrate')
  abstract class RunsController {
    constructor(private readonly parts: RunParts<P, R>) {}

    @Post()
    @Audited(kind)
    @HttpCode(202)
    @ApiOperation({ operationId: `start${Noun}`, ...routes.start })
    @ApiAcceptedResponse({ standardSchema: schema })
    @ApiConflictResponse({ description: `Problem details \`run-under-way\`: a ${noun} has not ended` })
    async start(@Req() { caller }: FastifyRequest, @Res({ passthrough: true }) reply: FastifyReply): Promise<B> {
      const { runs, highest } = this.parts;
      const run = await runs.start(routes.begin(await highest.read()), caller?.subject ?? 'anonymous');
      void reply.header('Location', `${path}/${run._id}`);
      return response(run);
    }

    @Get()
    @Header('Cache-Control', 'no-store')
    @ApiOperation({ operationId: `getLast${Noun}`, summary: `Get the last ${noun}` })
    @ApiOkResponse({ standardSchema: schema })
    @ApiNotFoundResponse({ description: 'Problem details: there was none yet' })
    async last(): Promise<B> {
      const run = await this.parts.runs.latest();
      return response(existing(run, `There was no ${noun} yet: start one by POST ${path}.`));
    }

    @Get(':id')
    @Header('Cache-Control', 'no-store')
    @ApiOperation({ operationId: `get${Noun}`, summary: `Get a ${noun}` })
    @ApiOkResponse({ standardSchema: schema })
    @ApiNotFoundResponse({ description: `Problem details: no such ${noun}` })
    async get(@Param('id', { schema: RunIdSchema }) id: string): Promise<B> {
      return response(existing(await this.parts.runs.find(id), `There is no ${noun} ${id}.`));
    }

    @Get(`:id/${findings.path}`)
    @Header('Cache-Control', 'no-store')
    @ApiOperation({ ...findings.operation, description: 'The first 10,000 are stored; all are counted.' })
    @ApiOkResponse({ standardSchema: findings.schema })
    async list(
      @Param('id', { schema: RunIdSchema }) id: string,
      @Query({ schema: FindingsQuerySchema }) query: FindingsQuery,
    ): Promise<{ items: unknown[] }> {
      return { items: await this.parts.findings.list(id, query) };
    }

    @Post(':id/cancel')
    @Audited(`cancel-${kind}`)
    @HttpCode(200)
    @ApiOperation({ operationId: `cancel${Noun}`, summary: `Cancel a ${noun}`, ...routes.cancel })
    @ApiOkResponse({ standardSchema: schema })
    @ApiNotFoundResponse({ description: `Problem details: no such ${noun}` })
    async cancel(@Param('id', { schema: RunIdSchema }) id: string): Promise<B> {
      await this.parts.runs.cancel(id);
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
