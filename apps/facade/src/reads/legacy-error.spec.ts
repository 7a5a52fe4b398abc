import { describe, expect, it } from '@jest/globals';
import { HttpStatus } from '@nestjs/common';
import { Problem } from '#service/http/problem.js';
import { SideAwayError } from '../sides/side-away-error.js';
import { legacyErrorOf } from './legacy-error.js';

const failure = (members: object) => Object.assign(new Error('why'), members);

describe('an error for a client of the legacy system', () => {
  it('is 503 with its code, if it ends by itself', () => {
    expect(legacyErrorOf(new SideAwayError('new', 'time-out', '10.0.0.7 hangs'))).toEqual({
      status: 503,
      code: 'new-away',
      message: 'the new side gave no answer (time-out)',
    });
    for (const code of ['state-unknown', 'still-open', 'handing-over', 'writes-behind'])
      expect(legacyErrorOf(failure({ code }))).toEqual({ status: 503, code, message: 'why' });
  });

  it('keeps the status of a client error, and the headers of a problem', () => {
    expect(legacyErrorOf(failure({ statusCode: 400 }))).toEqual({ status: 400, message: 'why' });
    expect(legacyErrorOf(failure({ statusCode: 413, code: 'FST_X' }))).toEqual({
      status: 413,
      code: 'FST_X',
      message: 'why',
    });
    const problem = new Problem(
      HttpStatus.UNAUTHORIZED,
      'no-api-key',
      'a key is required',
      {},
      { 'WWW-Authenticate': 'Basic' },
    );
    expect(legacyErrorOf(problem)).toEqual({
      status: 401,
      code: 'no-api-key',
      message: 'a key is required',
      headers: { 'WWW-Authenticate': 'Basic' },
    });
  });

  it('shows nothing of an unexpected error', () => {
    expect(legacyErrorOf(new TypeError('secret'))).toBeUndefined();
    expect(legacyErrorOf(failure({ statusCode: 500 }))).toBeUndefined();
    expect(legacyErrorOf('secret')).toBeUndefined();
  });
});
