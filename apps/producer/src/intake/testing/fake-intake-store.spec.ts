import { describe } from '@jest/globals';
import { FakeIntakeStore } from './fake-intake-store.js';
import { itIsAnIntakeStore } from './intake-store-contract.js';

describe('the fake store of the intake', () => {
  itIsAnIntakeStore(async () => Promise.resolve(new FakeIntakeStore()));
});
