import { spawnSync } from 'node:child_process';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { freePort, freePortsInARow, portsInUse } from './ports.js';

const kafka = { owner: 'Kafka', host: '127.0.0.1', port: 9092, setting: 'KAFKA_PORT' };
const producer = { owner: 'the producer', host: '127.0.0.1', port: 60_000, setting: 'PRODUCER_PORT' };

function choosing(...ports: number[]): () => number {
  return () => ports.shift() ?? 0;
}

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
  const claims = join(tmpdir(), `orders-ports-${userInfo().uid}`);

  it('is never returned twice, nor as part of a range', async () => {
    expect(await freePortsInARow(1, choosing(9_301))).toBe(9_301);
    expect(await freePortsInARow(1, choosing(9_301, 9_301, 9_302))).toBe(9_302);
    expect(await freePortsInARow(3, choosing(9_300, 9_303))).toBe(9_303);
    expect(await freePortsInARow(1, choosing(9_305, 9_306))).toBe(9_306);
  });

  it('is below the range that outgoing connections use', async () => {
    expect(await freePort()).toBeLessThan(32_768);
  });

  it('is not one that another process was given and has not bound yet, until that process has ended', async () => {
    await freePort();
    await writeFile(join(claims, '9311'), String(process.ppid));
    await writeFile(join(claims, '9312'), String(spawnSync('true').pid));
    expect(await freePortsInARow(1, choosing(9_311, 9_312, 9_312))).toBe(9_312);
    expect(await freePortsInARow(1, choosing(9_311, 9_313))).toBe(9_313);
  });

  afterAll(async () => {
    for (const port of await readdir(claims)) if (port.startsWith('93')) await rm(join(claims, port));
  });
});
