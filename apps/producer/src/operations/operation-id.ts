import { z } from 'zod';

/** The id of an operation in a path. */
export const OperationIdSchema = z.guid('must be a UUID').toLowerCase();
