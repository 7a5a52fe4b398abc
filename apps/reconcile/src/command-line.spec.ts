import { describe, expect, it } from '@jest/globals';
import { UnknownOperationError } from '#reconcile/reconcile.js';
import { exitCodeOf, readCommandLine } from './command-line.js';

const ID = '01935c9e-8a00-7000-8000-00000000000a';

describe('the command line of reconcile', () => {
  it('is the id of an operation, and perhaps --json and the folder of its archives', () => {
    expect(readCommandLine([ID.toUpperCase()])).toEqual({ operationId: ID, json: false });
    expect(readCommandLine(['--json', ID])).toEqual({ operationId: ID, json: true });
    expect(readCommandLine([ID, '--archive', '/mnt/orders'])).toEqual({
      operationId: ID,
      json: false,
      archive: '/mnt/orders',
    });
  });

  it.each([
    [['abc'], 'OPERATION must be the id of an operation, a UUID, got "abc"'],
    [[], 'OPERATION must be the id of an operation, a UUID, got ""'],
    [[ID, ID], 'Give one operation, got 2'],
    [[ID, '--jsn'], "Unknown option '--jsn'"],
  ])('%j is a wrong command line: exit code 2', (args, message) => {
    let code = 0;
    let text = '';
    try {
      readCommandLine(args);
    } catch (error) {
      [code, text] = [exitCodeOf(error), String(error)];
    }
    expect([code, text]).toEqual([2, expect.stringContaining(message)]);
    expect(text).toContain('npm run reconcile -- OPERATION [--json]');
  });

  it('has exit code 1 for an operation that does not exist, and for any other failure', () => {
    expect([new UnknownOperationError('x'), new Error('no MongoDB')].map(exitCodeOf)).toEqual([1, 1]);
  });
});
