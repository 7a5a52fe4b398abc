import { z } from 'zod';

/** An operation id in a path. */
export const OperationIdSchema = z
  .guid('must be a UUID')
  .toLowerCase()
  .describe('The id of an operation: `id` of the response that started it.');
