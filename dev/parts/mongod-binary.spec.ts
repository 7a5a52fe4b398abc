import { describe, expect, it } from '@jest/globals';
import { mongodMajorVersion } from './mongod-binary.js';

describe('the version that mongod --version prints', () => {
  it('is read from its first line', () => {
    expect(mongodMajorVersion('db version v6.0.5\nBuild Info: {\n    "version": "6.0.5",')).toBe(6);
  });

  it('is unknown when mongod lacks a library and prints nothing', () => {
    expect(mongodMajorVersion('')).toBeUndefined();
  });
});
