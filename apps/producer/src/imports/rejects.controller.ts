import { Readable } from 'node:stream';
import { Controller, Get, Header, Param, Query, Res } from '@nestjs/common';
import { ApiBadRequestResponse, ApiNotFoundResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { OperationIdSchema } from '../operations/operation-id.js';
import { ImportRejectsSchema, type ImportRejectResponse, type ImportRejectsPage } from './import-response.js';
import { ImportView } from './import-view.js';
import { RejectsQuerySchema, type RejectsQuery } from './manifest-query.js';

@ApiTags('imports')
@ApiNotFoundResponse({ description: 'Problem details: no such import' })
@ApiBadRequestResponse({ description: 'Problem details that list every invalid parameter' })
@RequiresScope('orders:read')
@Controller('v1/imports/:id')
export class RejectsController {
  constructor(private readonly imports: ImportView) {}

  @Get('rejects')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'List the rejected rows, ordered by file and row' })
  @ApiOkResponse({ standardSchema: ImportRejectsSchema })
  async listImportRejects(
    @Param('id', { schema: OperationIdSchema }) id: string,
    @Query({ schema: RejectsQuerySchema }) query: RejectsQuery,
  ): Promise<ImportRejectsPage> {
    return this.imports.rejects(id, query);
  }

  @Get('rejects.ndjson')
  @ApiOperation({
    summary: 'Download all rejected rows',
    description: 'One JSON object per line, with the same fields as in the list.',
  })
  @ApiOkResponse({
    description: 'The file, streamed',
    content: { 'application/x-ndjson': { schema: { type: 'string' } } },
  })
  async downloadImportRejects(
    @Param('id', { schema: OperationIdSchema }) id: string,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const rejects = await this.imports.allRejects(id);
    await reply
      .header('Content-Type', 'application/x-ndjson; charset=utf-8')
      .header('Content-Disposition', `attachment; filename="import-${id}-rejects.ndjson"`)
      .header('Cache-Control', 'no-store')
      .send(Readable.from(lines(rejects)));
  }
}

async function* lines(rejects: AsyncIterable<ImportRejectResponse>): AsyncGenerator<string> {
  for await (const reject of rejects) yield `${JSON.stringify(reject)}\n`;
}
