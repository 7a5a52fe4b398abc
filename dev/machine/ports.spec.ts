import { describe, expect, it } from '@jest/globals';
import { freePort, portsInUse } from './ports.js';

const kafka = { owner: 'Kafka', host: '127.0.0.1', port: 9092, setting: 'KAFKA_PORT' };
const producer = { owner: 'the producer', host: '127.0.0.1', port: 60_000, setting: 'PRODUCER_PORT' };

describe('the message about ports in use', () => {
  it('names the port, what it is for, who has it and the setting that changes it', () => {
    const error = portsInUse([{ claim: kafka, holder: 'java (pid 7)' }]);
    expect(error.code).toBe('port-in-use');
    expect(error.message).toBe('Port 9092, for Kafka, is in use by java (pid 7).');
    expect(error.remedy).toContain('KAFKA_PORT=19092 npm start');
  });

  it('tells all of them at once, and suggests only ports that exist', () => {
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
});

describe('a free port', () => {
  it('is never one that was given out before, though the machine would give it again', async () => {
    const given = [40_001, 40_001, 40_001, 40_002];
    const ask = async (): Promise<number> => given.shift() ?? 0;
    expect(await freePort(ask)).toBe(40_001);
    expect(await freePort(ask)).toBe(40_002);
  });
});
