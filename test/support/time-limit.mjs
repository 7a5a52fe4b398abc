import { jest } from '@jest/globals';

// Jest's 5 s are for unit specs: on a busy machine, a service or a query of real servers may take longer. Setting `testTimeout` has no
// effect for a single project.
jest.setTimeout(30_000);
