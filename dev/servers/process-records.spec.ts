import { describe, expect, it } from '@jest/globals';
import { parseRecords } from './process-records.js';

const kafka = { kind: 'server', name: 'Kafka', pid: 9, identity: 'boot/1' };

describe('the records of processes', () => {
  it('are read back', () => {
    expect(parseRecords(JSON.stringify([kafka]))).toEqual([kafka]);
  });

  it('skip invalid entries, so that no unrelated process is ended', () => {
    expect(
      parseRecords(JSON.stringify([{ ...kafka, pid: '9' }, { pid: 9 }, null, { ...kafka, kind: 'other' }])),
    ).toEqual([]);
    expect(parseRecords('{}')).toEqual([]);
  });
});
