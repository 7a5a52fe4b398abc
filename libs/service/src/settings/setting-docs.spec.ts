import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { describeSettings } from './setting-docs.js';
import { wholeNumber } from './settings.js';

const docs = describeSettings(
  z.object({
    COUNT: wholeNumber(1, 2_000).default(7).meta({ description: 'How many.' }),
    LIST: z
      .string()
      .default('a,b')
      .transform((text) => text.split(','))
      .meta({ description: 'Names.', allowed: 'names', secret: true }),
    LEVEL: z.enum(['low', 'high']).optional().meta({ description: 'How much.', perProcess: true }),
    KEY: z
      .string()
      .default(() => 'made up')
      .meta({ description: 'A key.', allowed: 'a key', shownDefault: 'random' }),
  }),
);

describe('the documentation of a setting', () => {
  it('has the range of a number, and its default', () => {
    expect(docs.get('COUNT')).toEqual({
      description: 'How many.',
      allowed: 'an integer from 1 to 2,000',
      shownDefault: '7',
      secret: false,
      perProcess: false,
      needs: [],
      excludes: [],
    });
  });

  it('has a default as it is written in the environment, not as it is parsed', () => {
    expect(docs.get('LIST')).toMatchObject({ shownDefault: 'a,b', allowed: 'names', secret: true });
  });

  it('lists the values of an enumeration, and has no default if there is none', () => {
    expect(docs.get('LEVEL')).toMatchObject({ allowed: 'one of low, high', shownDefault: '', perProcess: true });
  });

  it('describes a default that is chosen at each start', () => {
    expect(docs.get('KEY')).toMatchObject({ shownDefault: 'random' });
  });
});
