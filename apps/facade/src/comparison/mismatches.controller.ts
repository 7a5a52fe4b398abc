import { Controller, Get, Query } from '@nestjs/common';
import { ApiBadRequestResponse, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { z } from 'zod';
import { RequiresScope } from '#service/auth/scope.guard.js';
import { pageSizeParameter } from '#service/http/input-numbers.js';
import { CAPABILITIES } from '../stages/capability.js';
import { Mismatches, type MismatchDocument } from './mismatches.js';

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
    new: z.string().optional().describe('The value of the new side as JSON; absent if it has none.'),
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
    newRaw: z.string().describe('The answer of the new side; its first 16,384 characters.'),
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
    summary: 'List differences between the legacy system and the new side',
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
