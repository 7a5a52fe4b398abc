import { Controller, Get, Header, HttpStatus, Logger, Param, Query } from '@nestjs/common';
import {
  ApiBadRequestResponse,
  ApiNotFoundResponse,
  ApiOkResponse,
  ApiOperation,
  ApiServiceUnavailableResponse,
  ApiTags,
} from '@nestjs/swagger';
import type { Collection } from 'mongodb';
import { z } from 'zod';
import { type DeadLetterDocument, deadLettersCollection } from '#orders/dead-letter/dead-letters.js';
import { operationsCollection } from '#orders/operation/operation.js';
import { OrderCodec, UndecodableOrderError } from '#orders/order/order-codec.js';
import { orderResponse } from '#orders/order/order-response.js';
import { type Order, orderViolation } from '#orders/order/order.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { notFound, Problem } from '#service/http/problem.js';
import { Mongo } from '#service/mongodb/mongo.js';
import { toPage } from '../operations/operation-response.js';
import {
  type DeadLetterGroups,
  type DeadLetterGroupsQuery,
  DeadLetterGroupsQuerySchema,
  DeadLetterGroupsSchema,
  deadLetterItem,
  type DeadLetterResponse,
  DeadLetterSchema,
  type DeadLettersPage,
  DeadLettersPageSchema,
  type DeadLettersQuery,
  DeadLettersQuerySchema,
  shownBytes,
  toMongoFilter,
} from './dead-letter-api.js';
import { type FoundRecord, type LetterRecord, LetterRecords } from './letter-records.js';

const TopicSchema = z
  .string()
  .regex(/^[\w.-]{1,249}$/, 'must be the name of a topic')
  .describe('The topic of the original record, such as orders.v1.');
const wholeNumber = z.string().regex(/^\d{1,16}$/, 'must be an integer, in digits only');
const PartitionSchema = wholeNumber.describe('The partition of the original record.');
const OffsetSchema = wholeNumber.describe('The offset of the original record.');

interface Group {
  readonly _id: string;
  readonly count: number;
  readonly operations: readonly (string | null)[];
  readonly redriven: number;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly example: { readonly id: string; readonly message: string };
}

/** When a dead letter failed last: at first, or when a redrive returned it. */
const LAST_FAILED_AT = {
  $max: [
    '$deadLetteredAt',
    {
      $max: {
        $map: {
          input: { $filter: { input: '$tries', cond: { $eq: ['$$this.outcome', 'returned'] } } },
          in: '$$this.endedAt',
        },
      },
    },
  ],
};

@ApiTags('dead letters')
@ApiBadRequestResponse({ description: 'Problem details that list every invalid parameter' })
@RequiresScope('orders:read')
@Controller('v1/dead-letters')
export class DeadLettersController {
  private readonly logger = new Logger('dead-letters');

  constructor(
    private readonly mongo: Mongo,
    private readonly records: LetterRecords,
    private readonly codec: OrderCodec,
  ) {}

  /** Groups dead letters by error code, largest group first. */
  @Get()
  @Header('Cache-Control', 'no-store')
  @ApiOperation({ summary: 'Group dead letters by error code' })
  @ApiOkResponse({ standardSchema: DeadLetterGroupsSchema })
  async groupDeadLetters(
    @Query({ schema: DeadLetterGroupsQuerySchema }) { state, ...filter }: DeadLetterGroupsQuery,
  ): Promise<DeadLetterGroups> {
    const groups = await this.letters()
      .aggregate<Group>([
        { $match: { state, ...toMongoFilter(filter) } },
        {
          $group: {
            _id: '$error.code',
            count: { $sum: 1 },
            operations: { $addToSet: '$operationId' },
            redriven: { $sum: { $cond: [{ $gt: ['$redrives', 0] }, 1, 0] } },
            firstAt: { $min: '$deadLetteredAt' },
            lastAt: { $max: LAST_FAILED_AT },
            example: { $first: { id: '$_id', message: '$error.message' } },
          },
        },
        { $sort: { count: -1, _id: 1 } },
      ])
      .toArray();
    const items = groups.map(({ _id: errorCode, count, operations, redriven, firstAt, lastAt, example }) => ({
      errorCode,
      count,
      operations: operations.filter((id) => id !== null).length,
      redriven,
      firstAt: firstAt.toISOString(),
      lastAt: lastAt.toISOString(),
      example,
    }));
    return { state, total: items.reduce((sum, { count }) => sum + count, 0), items };
  }

  /** Lists dead letters, ordered by id. */
  @Get('records')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'List dead letters',
    description: 'Filter by `redriveId` to see the outcome of each dead letter of a redrive.',
  })
  @ApiOkResponse({ standardSchema: DeadLettersPageSchema })
  async listDeadLetters(@Query({ schema: DeadLettersQuerySchema }) query: DeadLettersQuery): Promise<DeadLettersPage> {
    const { state, redriveId, after, pageSize, ...filter } = query;
    const found = await this.letters()
      .find({
        ...(state !== undefined && { state }),
        ...(redriveId !== undefined && { 'tries.operationId': redriveId }),
        ...(after !== undefined && { _id: { $gt: after } }),
        ...toMongoFilter(filter),
      })
      .sort({ _id: 1 })
      .limit(pageSize + 1)
      .toArray();
    const cursor = { name: 'after', placeOf: ({ _id }: DeadLetterDocument) => _id } as const;
    const { items: letters, page } = toPage(found, '/v1/dead-letters/records', query, cursor);
    const first = await this.firstNumbers(letters);
    return { items: letters.map((letter) => deadLetterItem(letter, first)), page };
  }

  /** Returns a dead letter with its bytes and decoded order. @throws Problem 404; 503 when Kafka or the registry is unavailable */
  @Get('records/:topic/:partition/:offset')
  @Header('Cache-Control', 'no-store')
  @ApiOperation({
    summary: 'Get one dead letter, decoded and raw',
    description: 'The path ends in the id of the dead letter. Its bytes are read from Kafka.',
  })
  @ApiOkResponse({ standardSchema: DeadLetterSchema })
  @ApiNotFoundResponse({ description: 'Problem details: no such dead letter' })
  @ApiServiceUnavailableResponse({ description: 'Problem details: Kafka or the schema registry is unavailable' })
  async getDeadLetter(
    @Param('topic', { schema: TopicSchema }) topic: string,
    @Param('partition', { schema: PartitionSchema }) partition: string,
    @Param('offset', { schema: OffsetSchema }) offset: string,
  ): Promise<DeadLetterResponse> {
    const id = `${topic}/${partition}/${offset}`;
    const letter = await this.letters().findOne({ _id: id });
    if (letter === null) throw notFound(`There is no dead letter ${id}.`);
    const found = await this.readRecord(letter);
    const item = deadLetterItem(letter, await this.firstNumbers([letter]));
    if (typeof found === 'string') return { ...item, record: null, gone: found, decoded: null, undecodable: null };
    return { ...item, record: shownRecord(found), gone: null, ...(await this.decode(found.value)) };
  }

  /** Returns the number of the first order of each dead letter's operation. */
  private async firstNumbers(letters: readonly DeadLetterDocument[]): Promise<ReadonlyMap<string, number>> {
    const ids = new Set(letters.flatMap(({ operationId }) => operationId ?? []));
    if (ids.size === 0) return new Map();
    const operations = await operationsCollection(this.mongo.db)
      .find({ _id: { $in: [...ids] } })
      .project<{ _id: string; firstNumber: number }>({ firstNumber: 1 })
      .toArray();
    return new Map(operations.map(({ _id, firstNumber }) => [_id, firstNumber]));
  }

  private async readRecord(letter: DeadLetterDocument): Promise<FoundRecord> {
    try {
      return (await this.records.read([letter])).get(letter._id) ?? 'letter-gone';
    } catch (error) {
      throw this.unavailable('kafka-away', 'Cannot read the dead letter: Kafka is unavailable.', error);
    }
  }

  private unavailable(code: string, detail: string, cause: unknown): Problem {
    this.logger.warn({ reason: String(cause) }, detail);
    return new Problem(HttpStatus.SERVICE_UNAVAILABLE, code, `${detail} Try again in a few seconds.`);
  }

  private async decode(value: Buffer | null): Promise<Pick<DeadLetterResponse, 'decoded' | 'undecodable'>> {
    try {
      await this.learn(value);
      const order = this.codec.read(value);
      const violation = orderViolation(order);
      const undecodable = violation === undefined ? null : { code: 'invalid-order', message: violation };
      return { decoded: shownOrder(order), undecodable };
    } catch (error) {
      if (!(error instanceof UndecodableOrderError)) throw error;
      return { decoded: null, undecodable: { code: error.code, message: error.message } };
    }
  }

  private async learn(value: Buffer | null): Promise<void> {
    try {
      await this.codec.learn(value);
    } catch (error) {
      if (error instanceof UndecodableOrderError) throw error;
      throw this.unavailable(
        'registry-away',
        'Cannot decode the dead letter: the schema registry is unavailable.',
        error,
      );
    }
  }

  private letters(): Collection<DeadLetterDocument> {
    return deadLettersCollection(this.mongo.db);
  }
}

function shownRecord({ timestamp, key, value, valueFrom, headers }: LetterRecord): DeadLetterResponse['record'] {
  return {
    timestamp: new Date(timestamp).toISOString(),
    key: key && shownBytes(key),
    value: value && shownBytes(value),
    valueFrom,
    headers: headers.map(([name, bytes]) => ({ name, value: shownBytes(bytes ?? Buffer.alloc(0)) })),
  };
}

/** Returns the order as in the orders API; an invalid `createdAt` becomes `null`. */
function shownOrder(order: Order): Record<string, unknown> {
  if (!Number.isNaN(order.createdAt.getTime())) return orderResponse(order);
  return { ...orderResponse({ ...order, createdAt: new Date(0) }), createdAt: null };
}
