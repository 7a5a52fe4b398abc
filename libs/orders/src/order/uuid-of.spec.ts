import { describe, expect, it } from '@jest/globals';
import { assert, property, uuid } from 'fast-check';
import { UUID } from 'mongodb';
import { uuidOf } from './uuid-of.js';

describe('the UUID of an order', () => {
  it('is the one that the driver makes of the same id', () => {
    assert(property(uuid(), (id) => expect(uuidOf(id)).toEqual(new UUID(id))));
  });
});
