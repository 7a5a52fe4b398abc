import { jest } from '@jest/globals';

// Waits of specs end by events, on the slowest machine too. Twice the guard of `eventually`, so that a wait that begins late ends before its case,
// and names what was awaited.
// oxlint-disable-next-line jest/no-restricted-jest-methods -- the only limit of all cases.
jest.setTimeout(30 * 60_000);
