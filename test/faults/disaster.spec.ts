import { describe, expect, it } from '@jest/globals';
import { rehearse } from '../disaster/rehearsal.js';
import { verdictsOf } from '../disaster/report.js';

describe('the loss of MongoDB', () => {
  it('is repaired by a backup and the log: nothing is lost or doubled, and the list of what is gone is right', async () => {
    const rehearsal = await rehearse(20_000, () => undefined);
    expect(verdictsOf(rehearsal).filter(({ holds }) => !holds)).toEqual([]);
    const { report, sent, comparison } = rehearsal;
    expect(comparison).toMatchObject({ lost: 0, doubled: 0, foreign: 0, examples: [] });
    expect(report.progressedOperations.map(({ id }) => id)).toContain(sent.running);
  });
});
