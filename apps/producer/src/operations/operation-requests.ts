import { HttpStatus } from '@nestjs/common';
import { z } from 'zod';
import { FAULTS } from '#orders/generator/fault-mix.js';
import { OPERATION_KINDS, type PopulateDocument } from '#orders/operation/operation.js';
import { insufficientScope } from '#service/auth/authenticate.js';
import type { Caller } from '#service/auth/token-verifier.js';
import { bodyInteger, bodyNumber, pageSizeParameter, explainMoment, parseMoment } from '#service/http/request-input.js';
import { Problem } from '#service/http/problem.js';
import { documentedAt } from '#service/settings/settings.js';
import type { ProducerSettings } from '../settings-schema.js';
import { OPERATION_STATUSES } from './operation-response.js';

/** An operation id in a path. */
export const OperationIdSchema = z
  .guid('must be a UUID')
  .toLowerCase()
  .describe('The id of an operation: `id` of the response that started it.');

const DAY_MS = 24 * 60 * 60 * 1000;
const MAX_COUNT = 10_000_000;

/** @param ofDay the millisecond that a date without a time becomes */
function moment(ofDay: 'first' | 'last') {
  return z
    .string()
    .transform((text, context) => {
      const parsed = parseMoment(text, ofDay);
      if (parsed !== undefined && parsed.getTime() >= 0) return parsed;
      const message = parsed === undefined ? explainMoment(text) : 'must not be before 1970';
      context.addIssue({ code: 'custom', message });
      return z.NEVER;
    })
    .meta({ type: 'string' });
}

const fraction = bodyNumber(0, 1).default(0);

/** The fractions of orders with each fault. */
const FaultMixSchema = z
  .strictObject({
    poison: fraction.describe('Undecodable records that replace orders.'),
    oversized: fraction.describe("Records above the consumers' size limit that replace orders."),
    duplicate: fraction.describe('Orders whose record is sent twice.'),
    conflict: fraction.describe('Orders followed by another order with the same id and different content.'),
  })
  // A fraction above 1 has an error of its own.
  .refine(({ poison, oversized }) => Math.max(poison, oversized) > 1 || poison + oversized <= 1, {
    path: ['oversized'],
    message: 'must be at most 1 together with `poison`',
  })
  .meta({ title: 'FaultMix' });

/** The body of `POST /v1/populate`. */
export const PopulateRequestSchema = z
  .strictObject({
    count: bodyInteger(1, MAX_COUNT)
      .describe('Number of orders to generate.')
      .meta({ examples: [100_000] }),
    seed: bodyInteger(0, Number.MAX_SAFE_INTEGER)
      .optional()
      .describe(
        'The same seed generates the same accounts, symbols, prices and quantities. Random by default; returned in the response.',
      ),
    // A whole chunk may go to one partition, and its batch must stay below the topic's limit of 1 MiB.
    chunkSize: bodyInteger(1, 5_000)
      .default(1_000)
      .describe('Maximum number of orders per chunk; Kafka acknowledges each chunk before the next is sent.'),
    ratePerSecond: bodyNumber(0.1, 10_000_000)
      .optional()
      .describe('Average orders per second since the start. Publishing catches up after a stall.'),
    accounts: bodyInteger(1, 10_000_000).default(100_000).describe('Number of accounts that the orders belong to.'),
    from: moment('first')
      .optional()
      .describe(
        'createdAt of the first order: a date and time with a time zone, or a date, whose day begins at 00:00 UTC. Default: 24 hours before `to`.',
      ),
    to: moment('last')
      .optional()
      .describe('End of the createdAt range, in the same notations; a date includes its whole day. Default: now.'),
    faults: FaultMixSchema.optional().describe(
      'Deliberately faulty records, to test the pipeline. The same seed affects the same orders. All but `duplicate` become dead letters. Refused with 403 `fault-injection-off` unless the producer has the setting ALLOW_FAULT_INJECTION; with tokens, the scope `faults:inject` is required too.',
    ),
  })
  .refine(({ from, to }) => from === undefined || from < (to ?? new Date()), {
    path: ['from'],
    message: 'must be before `to`',
  })
  // Swagger UI sends this unless the user changes it.
  .meta({ title: 'PopulateRequest', examples: [{ count: 100_000 }] });

export type PopulateRequest = z.infer<typeof PopulateRequestSchema>;

/** Whether a request asks for faulty records; a share of 0 is none. */
function hasFaults({ faults }: Pick<PopulateRequest, 'faults'>): boolean {
  return faults !== undefined && FAULTS.some((fault) => faults[fault] > 0);
}

/** Fills in the defaults once, so that the orders are a pure function of the stored operation. */
export function withDefaults(
  request: PopulateRequest,
  now: Date,
  random: () => number,
): Pick<PopulateDocument, 'count' | 'seed' | 'chunkSize' | 'accounts' | 'from' | 'to' | 'ratePerSecond' | 'faults'> {
  const to = request.to ?? now;
  return {
    count: request.count,
    seed: request.seed ?? Math.floor(random() * Number.MAX_SAFE_INTEGER),
    chunkSize: request.chunkSize,
    accounts: request.accounts,
    ratePerSecond: request.ratePerSecond ?? null,
    from: request.from ?? new Date(to.getTime() - DAY_MS),
    to,
    faults: hasFaults(request) ? (request.faults ?? null) : null,
  };
}

type FaultInjectionSettings = Pick<ProducerSettings, 'ALLOW_FAULT_INJECTION' | 'AUTH_ISSUER' | 'AUTH_AUDIENCE'>;

/**
 * Allows faulty test orders only where they are wanted, and only to callers who may inject faults.
 * @throws Problem 403 for a request with faults that is not allowed
 */
export function requireFaultInjection(
  request: PopulateRequest,
  caller: Caller | null,
  { ALLOW_FAULT_INJECTION, AUTH_ISSUER, AUTH_AUDIENCE }: FaultInjectionSettings,
): void {
  if (!hasFaults(request)) return;
  if (!ALLOW_FAULT_INJECTION)
    throw new Problem(
      HttpStatus.FORBIDDEN,
      'fault-injection-off',
      `Faulty records are off. Send no \`faults\`, or start the producer with ALLOW_FAULT_INJECTION=true where test data are wanted (${documentedAt('ALLOW_FAULT_INJECTION')}).`,
    );
  if (AUTH_ISSUER !== undefined && caller?.scopes.has('faults:inject') !== true)
    throw insufficientScope('faults:inject', AUTH_AUDIENCE);
}

/** `GET /v1/operations`. */
export const OperationsQuerySchema = z.strictObject({
  status: z.enum(OPERATION_STATUSES).optional().describe('Only operations in this status.'),
  kind: z.enum(OPERATION_KINDS).optional().describe('Only operations of this kind.'),
  before: z
    .guid('must be the id of an operation')
    .toLowerCase()
    .optional()
    .describe('Cursor of the next page: only operations created before this one. Take it from `next`.'),
  pageSize: pageSizeParameter('Operations', { maximum: 100, byDefault: 20 }),
});

export type OperationsQuery = z.infer<typeof OperationsQuerySchema>;
