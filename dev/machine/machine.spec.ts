import { spawnSync } from 'node:child_process';
import { readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { describeShortage } from './machine.js';
import { judgeLock } from './processes.js';
import { listeningInodes, freePort, freePortsInARow, portsInUse } from './ports.js';

const owner = { pid: 41, identity: 'boot-1/500' };
const lock = JSON.stringify(owner);
const kafka = { owner: 'Kafka', host: '127.0.0.1', port: 9092, setting: 'KAFKA_PORT' };
const producer = { owner: 'the producer', host: '127.0.0.1', port: 60_000, setting: 'PRODUCER_PORT' };

/** The begin of /proc/net/tcp: listeners on two ports, and a connection to the first one. */
const SOCKETS = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:2384 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 51001 1 0000 100 0 0 10 0
   1: 0100007F:2384 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 51002 1 0000 100 0 0 10 0
   2: 00000000:1F91 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 51003 1 0000 100 0 0 10 0
`;

function choosing(...ports: number[]): () => number {
  return () => ports.shift() ?? 0;
}

describe('free disk space', () => {
  it('is enough when it equals the need', () => {
    expect(describeShortage(1024, 1024, '/data', 'the stack')).toBeUndefined();
  });

  it('is rejected below the need, with both figures and the other places for the data', () => {
    const error = describeShortage(287.6, 1024, '/data', 'the stack');
    expect(error?.code).toBe('disk-full');
    expect(error?.message).toBe('The disk of /data has 287 MiB free; the stack needs 1024 MiB.');
    expect(error?.remedy).toMatch(/--data DIR[^]*KAFKA_BROKERS/);
  });
});

describe('a lock file', () => {
  it.each<[string, string, Record<number, string>, object | string]>([
    ['is held while the process that wrote it runs', lock, { 41: owner.identity }, owner],
    ['is stale once that process is gone', lock, {}, 'stale'],
    ['is stale when another program has reused the pid', lock, { 41: 'boot-1/900' }, 'stale'],
    ['is stale after the machine was restarted, even when the pid is in use', lock, { 41: 'boot-2/500' }, 'stale'],
    ...['', '{"pid":41', '[]', '{"pid":"41","identity":"x"}', 'null'].map(
      (broken): [string, string, Record<number, string>, string] => [
        `is stale when it is ${broken}`,
        broken,
        { 41: owner.identity },
        'stale',
      ],
    ),
  ])('%s', (_, text, processes, judgement) => {
    const table = { identityOf: (pid: number) => processes[pid], signal: () => undefined };
    expect(judgeLock(text, table)).toEqual(judgement);
  });
});

describe('the listeners in /proc/net/tcp', () => {
  it.each([
    ['found by port, without connections to that port', SOCKETS, 9092, ['51001']],
    ['found on any address', SOCKETS, 8081, ['51003']],
    ['none on a free port', SOCKETS, 27017, []],
    ['none in an empty table', '', 9092, []],
  ])('are %s', (_, table, port, inodes) => {
    expect(listeningInodes(table, port)).toEqual(inodes);
  });
});

describe('the message about ports in use', () => {
  const unknown = [kafka, producer].map((claim) => ({ claim, holder: undefined }));
  const nodes = [kafka, { ...kafka, port: 9093 }].map((claim) => ({ claim, holder: undefined }));

  it.each([
    [
      'the port, its purpose, the program that holds it and the setting that changes it',
      [{ claim: kafka, holder: 'java (pid 7)' }],
      ['Port 9092, for Kafka, is in use by java (pid 7).'],
      'KAFKA_PORT=19092 npm start',
    ],
    [
      'all of them, and suggests only valid ports',
      unknown,
      ['Port 9092, for Kafka, is in use.', 'Port 60000, for the producer, is in use.'],
      'KAFKA_PORT=19092 PRODUCER_PORT=50000 npm start',
    ],
    [
      'a setting once when it is for several nodes',
      nodes,
      ['Port 9092, for Kafka, is in use.', 'Port 9093, for Kafka, is in use.'],
      'for example: KAFKA_PORT=19092 npm start',
    ],
  ])('names %s', (_, taken, lines, remedy) => {
    const error = portsInUse(taken);
    expect([error.code, error.message.split('\n')]).toEqual(['port-in-use', lines]);
    expect(error.remedy).toContain(remedy);
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
