import { z } from 'zod';
import { OUTCOMES } from '#service/audit/audit-event.js';

export const AuditPageSchema = z
  .object({
    items: z.array(
      z
        .object({
          id: z.string(),
          at: z.iso.datetime(),
          service: z.string().describe('The service that received the request.'),
          action: z
            .string()
            .describe(
              '`unlisted-refusals` stands for refusals of a minute that are not listed one by one: see `count`.',
            ),
          subject: z.string().nullable().describe("The subject of the caller's token; null without a valid one."),
          clientId: z.string().nullable(),
          ip: z.string().describe("The caller's address, by the setting TRUST_PROXY."),
          requestId: z.string().describe('The header `X-Request-Id` of the response.'),
          target: z.string().nullable().describe('The operation, run or capability that the action is about.'),
          outcome: z.enum(OUTCOMES),
          status: z.int().describe('The HTTP status; 0 of `unlisted-refusals`.'),
          code: z.string().nullable().describe('The code of the problem.'),
          count: z.int().optional().describe('How many refusals the event stands for.'),
        })
        .meta({ title: 'AuditEvent' }),
    ),
    page: z.object({
      size: z.int(),
      next: z.string().optional().describe('Path of the next page; absent on the last page.'),
    }),
  })
  .meta({ title: 'AuditPage' });

export type AuditPage = z.infer<typeof AuditPageSchema>;
