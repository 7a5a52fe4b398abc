import { Controller, Get, Header, Param, Query } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import { z } from 'zod';
import { RequiresScope } from '#service/auth/scope.guard.js';
import {
  DeadLetterGroupsQuerySchema,
  DeadLettersQuerySchema,
  type DeadLetterGroupsQuery,
  type DeadLettersQuery,
} from './dead-letter-query.js';
import {
  DeadLetterGroupsSchema,
  DeadLetterSchema,
  DeadLettersPageSchema,
  type DeadLetterGroups,
  type DeadLetterResponse,
  type DeadLettersPage,
} from './dead-letter-response.js';
import { DeadLetters } from './dead-letters.js';

const TopicSchema = z.string().regex(/^[\w.-]{1,249}$/, 'must be the name of a topic');
const wholeNumber = z.string().regex(/^\d{1,16}$/, 'must be a whole number');

@ApiTags('dead letters')
@ApiBadRequestResponse({ description: 'Problem details naming every bad parameter' })
@RequiresScope('orders:read')
@Controller('v1/dead-letters')
export class DeadLettersController {
  constructor(private readonly deadLetters: DeadLetters) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Dead letters by the reason for which they failed' })
  @ApiOkResponse({ standardSchema: DeadLetterGroupsSchema })
  async groups(
    @Query({ schema: DeadLetterGroupsQuerySchema }) query: DeadLetterGroupsQuery,
  ): Promise<DeadLetterGroups> {
    return this.deadLetters.groups(query);
  }

  @Get('records')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Dead letters, one by one',
    description: 'How each one of a redrive ended: by `redriveId`.',
  })
  @ApiOkResponse({ standardSchema: DeadLettersPageSchema })
  async records(@Query({ schema: DeadLettersQuerySchema }) query: DeadLettersQuery): Promise<DeadLettersPage> {
    return this.deadLetters.list(query);
  }

  @Get('records/:topic/:partition/:offset')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'One dead letter, decoded and raw',
    description: 'The path ends in its id. Its bytes are read back from Kafka.',
  })
  @ApiOkResponse({ standardSchema: DeadLetterSchema })
  @ApiNotFoundResponse({ description: 'Problem details: no such dead letter' })
  @ApiServiceUnavailableResponse({ description: 'Problem details: Kafka or the registry does not answer' })
  async record(
    @Param('topic', { schema: TopicSchema }) topic: string,
    @Param('partition', { schema: wholeNumber }) partition: string,
    @Param('offset', { schema: wholeNumber }) offset: string,
  ): Promise<DeadLetterResponse> {
    return this.deadLetters.byId(`${topic}/${partition}/${offset}`);
  }
}
