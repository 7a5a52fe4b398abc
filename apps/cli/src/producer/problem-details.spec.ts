import { describe, expect, it } from '@jest/globals';
import { problemError } from './problem-details.js';

describe('problem details', () => {
  it('can not send control characters to the terminal', () => {
    const body = JSON.stringify({ detail: 'bad \u001b[2J', errors: [{ field: 'a\nb', detail: '\u202e' }] });
    expect(problemError(400, body, 'GET /').message).toBe('a\\u000ab \\u202e');
  });

  it('are printed with the members that are present', () => {
    expect(problemError(503, '{"title":"Service Unavailable"}', 'GET /')).toMatchObject({
      code: 'problem',
      message: 'Service Unavailable',
      exitCode: 1,
    });
  });
});
