import { ObjectId, type Collection, type Filter } from 'mongodb';
import { Controller, Get, Query } from '@nestjs/common';
import { ApiBadRequestResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { isDuplicateKey } from '#service/mongodb/mongo-errors.js';
import type { Mongo } from '#service/mongodb/mongo.js';
import { requireIndexes } from '#service/mongodb/indexes.js';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { pageSizeParameter } from '#service/http/request-input.js';
import { type Capability, CAPABILITIES } from '../stages/stages.js';
import type { Difference } from './differences.js';
import { timeLimit } from '#orders/time-limit.js';

/** What a comparison has found. */
export interface FoundMismatch {
  readonly capability: Capability;
  /** The version of the capability's state. */
  readonly version: number;
  /** What was asked for, such as an id or `read-by-page:7`. */
  readonly key: string;
  readonly paths: readonly Difference[];
  /** The answers as text, shortened. */
  readonly legacyRaw: string;
  readonly newRaw: string;
  /**
   * `differs`: it still differed after the re-check. `passed`: the answers were equal by then, but no open write explains the difference,
   * such as an answer that was HTML once.
   */
  readonly recheck: 'differs' | 'passed';
  /** The code of the first difference that has one. Stable. */
  readonly code?: string;
}

/** A stored mismatch. The same finding about the same key in the same version is stored once, and counted. */
export interface MismatchDocument extends FoundMismatch {
  readonly _id: ObjectId;
  readonly firstAt: Date;
  readonly lastAt: Date;
  readonly count: number;
}

/** More are counted, and not stored. */
const MAX_STORED = 5_000;
const MAX_RAW_CHARACTERS = 16 * 1024;

/** The mismatches of all instances, in MongoDB. */
export class Mismatches {
  private indexed: Promise<void> | undefined;

  constructor(private readonly mongo: Mongo) {}

  /** Stores a mismatch durably. @returns whether it was stored; `false` if there are 5,000 already */
  async store({ capability, version, key, recheck, ...found }: FoundMismatch): Promise<boolean> {
    await this.requireIndex();
    const at = this.mongo.time.now();
    const finding = { capability, version, key, recheck };
    const newest = {
      paths: found.paths,
      legacyRaw: found.legacyRaw.slice(0, MAX_RAW_CHARACTERS),
      newRaw: found.newRaw.slice(0, MAX_RAW_CHARACTERS),
      ...(found.code !== undefined && { code: found.code }),
      lastAt: at,
    };
    const known = await this.collection.updateOne(finding, { $set: newest, $inc: { count: 1 } });
    if (known.matchedCount > 0) return true;
    if ((await this.collection.estimatedDocumentCount()) >= MAX_STORED) return false;
    const update = { $set: newest, $inc: { count: 1 }, $setOnInsert: { firstAt: at } };
    try {
      await this.collection.updateOne(finding, update, { upsert: true });
    } catch (error) {
      // Another instance has stored the same finding meanwhile.
      if (!isDuplicateKey(error)) throw error;
      await this.collection.updateOne(finding, update);
    }
    return true;
  }

  /** Returns the newest mismatches first. */
  async list({
    capability,
    recheck,
    after,
    limit,
  }: Omit<MismatchQuery, 'pageSize'> & { readonly limit: number }): Promise<readonly MismatchDocument[]> {
    const filter: Filter<MismatchDocument> = {
      ...(capability !== undefined && { capability }),
      ...(recheck !== undefined && { recheck }),
      ...(after !== undefined && { _id: { $lt: new ObjectId(after) } }),
    };
    return this.collection.find(filter, { sort: { _id: -1 }, limit, maxTimeMS: timeLimit(5_000) }).toArray();
  }

  /** At the first use: the facade also starts while MongoDB is unavailable. */
  private async requireIndex(): Promise<void> {
    this.indexed ??= requireIndexes(this.mongo.db, ['migrationMismatches']);
    try {
      await this.indexed;
    } catch (error) {
      this.indexed = undefined;
      throw error;
    }
  }

  private get collection(): Collection<MismatchDocument> {
    return this.mongo.db.collection<MismatchDocument>('migrationMismatches');
  }
}

const QuerySchema = z.strictObject({
  capability: z.enum(CAPABILITIES).optional().describe('Only mismatches of this capability.'),
  recheck: z
    .enum(['differs', 'passed'])
    .optional()
    .describe('`differs`: it still differed after the re-check. `passed`: the answers were equal by then.'),
  after: z
    .string()
    .regex(/^[0-9a-f]{24}$/, 'must be `next` of the page before')
    .optional()
    .describe('Cursor of the next page. Take it from `next`.'),
  pageSize: pageSizeParameter('Mismatches', { maximum: 100, byDefault: 20 }),
});

const DifferenceSchema = z
  .object({
    path: z
      .string()
      .describe(
        'The field, after the number of its order in a page or range: `1001.price`. `order`, or a number alone: the whole order.',
      ),
    legacy: z.string().optional().describe('The value of the legacy system as JSON; absent if it has none.'),
    new: z.string().optional().describe('The value of the target as JSON; absent if it has none.'),
    code: z.string().optional().describe('The cause, if it is known: such as `not-a-uuid`, `html` or `half-json`.'),
    detail: z.string().optional(),
  })
  .meta({ title: 'Difference' });

const MismatchSchema = z
  .object({
    id: z.string(),
    capability: z.enum(CAPABILITIES),
    version: z.int().describe("The version of the capability's state."),
    key: z.string().describe('What was asked for: an id, or a page or range such as `read-by-page:7`.'),
    code: z.string().optional().describe('The code of the first difference that has one.'),
    recheck: z.enum(['differs', 'passed']),
    paths: z.array(DifferenceSchema).describe('Where the answers differ; at most 50 places.'),
    legacyRaw: z.string().describe('The answer of the legacy system; its first 16,384 characters.'),
    newRaw: z.string().describe('The answer of the target; its first 16,384 characters.'),
    count: z.int().min(1).describe('How often it was found.'),
    firstAt: z.iso.datetime(),
    lastAt: z.iso.datetime(),
  })
  .meta({ title: 'Mismatch' });

const MismatchPageSchema = z
  .object({
    items: z.array(MismatchSchema),
    next: z.string().nullable().describe('The cursor of the next page; `null`: this is the last one.'),
  })
  .meta({ title: 'MismatchPage' });

type MismatchQuery = z.infer<typeof QuerySchema>;
type MismatchPage = z.infer<typeof MismatchPageSchema>;

@ApiTags('migration')
@RequiresScope('ops:migrate')
@Controller('v1/migration/mismatches')
export class MismatchesController {
  constructor(private readonly mismatches: Mismatches) {}

  @Get()
  @ApiOperation({
    summary: 'List differences between the legacy system and the target',
    description:
      'The newest first. The same finding about the same orders is listed once, with its count, until the stage changes.',
  })
  @ApiOkResponse({ standardSchema: MismatchPageSchema })
  @ApiBadRequestResponse({ description: 'Problem details that name each invalid parameter' })
  async listMismatches(@Query({ schema: QuerySchema }) { pageSize, ...query }: MismatchQuery): Promise<MismatchPage> {
    const found = await this.mismatches.list({ ...query, limit: pageSize + 1 });
    const items = found.slice(0, pageSize).map(response);
    return { items, next: found.length > pageSize ? (items.at(-1)?.id ?? null) : null };
  }
}

function response({ _id, firstAt, lastAt, paths, ...mismatch }: MismatchDocument): MismatchPage['items'][number] {
  return {
    id: _id.toHexString(),
    ...mismatch,
    paths: paths.map((path) => ({ ...path })),
    firstAt: firstAt.toISOString(),
    lastAt: lastAt.toISOString(),
  };
}
