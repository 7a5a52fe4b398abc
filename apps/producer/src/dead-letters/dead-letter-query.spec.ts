import { describe, expect, it } from '@jest/globals';
import { DeadLetterGroupsQuerySchema, DeadLettersQuerySchema } from './dead-letter-query.js';

describe('the filter of dead letters', () => {
  it('finds an error code with spaces around it', () => {
    expect(DeadLettersQuerySchema.parse({ errorCode: ' conflict ' })).toMatchObject({ errorCode: 'conflict' });
    expect(DeadLetterGroupsQuerySchema.safeParse({ errorCode: ' ' }).success).toBe(false);
  });
});
