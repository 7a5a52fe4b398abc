import { jest } from '@jest/globals';

// Waits of specs end by events, on the slowest machine too. A minute longer than the guard of `eventually`, which names what was awaited.
// oxlint-disable-next-line jest/no-restricted-jest-methods -- the only limit of all cases.
jest.setTimeout(16 * 60_000);
