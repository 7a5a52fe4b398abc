import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { useTemporaryFolder } from '#orders/testing/temporary-folder.js';
import { describeShortage } from './disk-space.js';
import { judgeLock } from './pid-lock.js';
import { listeningInodes } from './port-holder.js';
import { freePort, freePortsInARow, portsInUse } from './ports.js';
import { makeRunFolder } from './run-folder.js';

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

describe('the folder of a run', () => {
  const parent = useTemporaryFolder();

  it('replaces the folders of killed runs, and no others', async () => {
    const folders = ['orders-compare-11-abc', 'orders-compare-22-abc', 'orders-test-11-abc'].map((name) =>
      parent(name),
    );
    for (const folder of folders) await mkdir(join(folder, 'data'), { recursive: true });
    const processes = { identityOf: (pid: number) => (pid === 22 ? 'it runs' : undefined) };
    const own = await makeRunFolder('orders-compare', parent(), processes);
    expect([...folders, own].map((folder) => existsSync(folder))).toEqual([false, true, true, true]);
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
  it('is never returned twice, even if the operating system offers it again', async () => {
    const given = [40_001, 40_001, 40_001, 40_002];
    const offer = async (): Promise<number> => given.shift() ?? 0;
    expect([await freePort(offer), await freePort(offer)]).toEqual([40_001, 40_002]);
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
