import { describe, expect, it } from '@jest/globals';
import { freePort, freePortsInARow, portsInUse } from './ports.js';

const kafka = { owner: 'Kafka', host: '127.0.0.1', port: 9092, setting: 'KAFKA_PORT' };
const producer = { owner: 'the producer', host: '127.0.0.1', port: 60_000, setting: 'PRODUCER_PORT' };

describe('the message about ports in use', () => {
  it('names the port, its purpose, the program that holds it and the setting that changes it', () => {
    const error = portsInUse([{ claim: kafka, holder: 'java (pid 7)' }]);
    expect(error.code).toBe('port-in-use');
    expect(error.message).toBe('Port 9092, for Kafka, is in use by java (pid 7).');
    expect(error.remedy).toContain('KAFKA_PORT=19092 npm start');
  });

  it('lists all of them, and suggests only valid ports', () => {
    const error = portsInUse([
      { claim: kafka, holder: undefined },
      { claim: producer, holder: undefined },
    ]);
    expect(error.message.split('\n')).toEqual([
      'Port 9092, for Kafka, is in use.',
      'Port 60000, for the producer, is in use.',
    ]);
    expect(error.remedy).toContain('KAFKA_PORT=19092 PRODUCER_PORT=50000 npm start');
  });

  it('names a setting once when it is for several nodes', () => {
    const taken = [kafka, { ...kafka, port: 9093 }].map((claim) => ({ claim, holder: undefined }));
    expect(portsInUse(taken).remedy).toContain('for example: KAFKA_PORT=19092 npm start');
  });
});

describe('a free port', () => {
  it('is never returned twice, even if the operating system offers it again', async () => {
    const given = [40_001, 40_001, 40_001, 40_002];
    const offer = async (): Promise<number> => given.shift() ?? 0;
    expect(await freePort(offer)).toBe(40_001);
    expect(await freePort(offer)).toBe(40_002);
  });

  it('starts a range of free ports when several in a row are requested, none of which was returned before', async () => {
    const given = [40_010, 40_021, 40_023];
    const chosen = [40_008, 40_020];
    const offer = async (): Promise<number> => given.shift() ?? 0;
    expect(await freePort(offer)).toBe(40_010);
    expect(await freePortsInARow(3, () => chosen.shift() ?? 0)).toBe(40_020);
    expect(await freePort(offer)).toBe(40_023);
  });
});
