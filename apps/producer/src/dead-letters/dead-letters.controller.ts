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
  type DeadLetterGroups,
  type DeadLetterGroupsQuery,
  DeadLetterGroupsQuerySchema,
  DeadLetterGroupsSchema,
  type DeadLetterResponse,
  DeadLetterSchema,
  type DeadLettersPage,
  DeadLettersPageSchema,
  type DeadLettersQuery,
  DeadLettersQuerySchema,
} from './dead-letter-api.js';
import { DeadLetters } from './dead-letters.js';

const TopicSchema = z
  .string()
  .regex(/^[\w.-]{1,249}$/, 'must be the name of a topic')
  .describe('The topic of the original record, such as orders.v1.');
const wholeNumber = z.string().regex(/^\d{1,16}$/, 'must be an integer, in digits only');
const PartitionSchema = wholeNumber.describe('The partition of the original record.');
const OffsetSchema = wholeNumber.describe('The offset of the original record.');

@ApiTags('dead letters')
@ApiBadRequestResponse({ description: 'Problem details that list every invalid parameter' })
@RequiresScope('orders:read')
@Controller('v1/dead-letters')
export class DeadLettersController {
  constructor(private readonly deadLetters: DeadLetters) {}

  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Group dead letters by error code' })
  @ApiOkResponse({ standardSchema: DeadLetterGroupsSchema })
  async groupDeadLetters(
    @Query({ schema: DeadLetterGroupsQuerySchema }) query: DeadLetterGroupsQuery,
  ): Promise<DeadLetterGroups> {
    return this.deadLetters.groups(query);
  }

  @Get('records')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'List dead letters',
    description: 'Filter by `redriveId` to see the outcome of each letter of a redrive.',
  })
  @ApiOkResponse({ standardSchema: DeadLettersPageSchema })
  async listDeadLetters(@Query({ schema: DeadLettersQuerySchema }) query: DeadLettersQuery): Promise<DeadLettersPage> {
    return this.deadLetters.list(query);
  }

  @Get('records/:topic/:partition/:offset')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Get one dead letter, decoded and raw',
    description: 'The path ends in the id of the letter. Its bytes are read from Kafka.',
  })
  @ApiOkResponse({ standardSchema: DeadLetterSchema })
  @ApiNotFoundResponse({ description: 'Problem details: no such dead letter' })
  @ApiServiceUnavailableResponse({ description: 'Problem details: Kafka or the schema registry is unavailable' })
  async getDeadLetter(
    @Param('topic', { schema: TopicSchema }) topic: string,
    @Param('partition', { schema: PartitionSchema }) partition: string,
    @Param('offset', { schema: OffsetSchema }) offset: string,
  ): Promise<DeadLetterResponse> {
    return this.deadLetters.byId(`${topic}/${partition}/${offset}`);
  }
}
