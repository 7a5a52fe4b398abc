import { hash } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, afterEach, beforeEach } from '@jest/globals';
import { pino } from 'pino';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { ClientKeys, givenKey } from './clients.js';
import { IgnoreRules } from './comparison/ignore-rules.js';
import { FacadeFiles } from './facade-files.js';

const OLD = 'a'.repeat(32);
const NEW = 'b'.repeat(43);
const fileOf = (clients: readonly object[]) => JSON.stringify({ clients });
const FILE = fileOf([
  { name: 'billing', keys: [hash('sha256', OLD), hash('sha256', NEW)] },
  { name: 'web', keys: [hash('sha256', 'c'.repeat(32))] },
]);
const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` });

describe('the API keys of clients', () => {
  const keys = ClientKeys.parse(FILE);
  const clientOf = (headers: Parameters<typeof givenKey>[0]) => {
    const given = givenKey(headers);
    return given && keys.clientOf(given);
  };

  it('name the client, by X-Api-Key or as the password of basic authentication', () => {
    expect(clientOf({ 'x-api-key': OLD })).toBe('billing');
    expect(clientOf(basic(`billing:${NEW}`))).toBe('billing');
    expect(clientOf(basic(`web:${'c'.repeat(32)}`))).toBe('web');
  });

  it('reject a wrong key, a key of another client, and requests without any', () => {
    expect(clientOf({ 'x-api-key': 'd'.repeat(32) })).toBeUndefined();
    expect(clientOf({ 'x-api-key': hash('sha256', OLD) })).toBeUndefined();
    expect(clientOf(basic(`web:${OLD}`))).toBeUndefined();
    expect(clientOf(basic('billing'))).toBeUndefined();
    expect(clientOf({ authorization: `Bearer ${OLD}` })).toBeUndefined();
    expect(clientOf({})).toBeUndefined();
  });

  it('reject a key that could be found by trying, even if its hash is in the file', () => {
    const short = ClientKeys.parse(fileOf([{ name: 'web', keys: [hash('sha256', 'secret')] }]));
    expect(short.clientOf({ key: 'secret' })).toBeUndefined();
  });

  it('are not read in production from a file with the public key of the repository', () => {
    const file = fileOf([{ name: 'demo', keys: [hash('sha256', 'demo-key-of-the-legacy-api-clients')] }]);
    expect(() => ClientKeys.parse(file)).not.toThrow();
    expect(() => ClientKeys.parse(file, true)).toThrow('the client demo has the demo key, which is public: replace');
  });

  it.each([
    ['', 'is not JSON'],
    ['{}', 'clients '],
    [fileOf([{ name: 'web', keys: ['secret'] }]), 'clients.0.keys.0 must be the SHA-256 of a key'],
    [fileOf([{ name: 'a b', keys: [hash('sha256', OLD)] }]), 'clients.0.name must be'],
    [fileOf([{ name: 'web', keys: [] }]), 'clients.0.keys '],
    [fileOf([{ name: 'web', keys: [hash('sha256', OLD)], key: OLD }]), 'clients.0 '],
    [
      fileOf([1, 2].map((n) => ({ name: `c${n}`, keys: [hash('sha256', OLD)] }))),
      'the clients c1 and c2 have the same key',
    ],
  ])('are not read from a wrong file: %s', (text, message) => {
    expect(() => ClientKeys.parse(text)).toThrow(message);
  });
});

const rule = (path: string, expires = '2027-01-31') => ({ path, expires, reason: 'known' });
const BEFORE = Date.parse('2027-01-31T23:59:59.999Z');
const AFTER = Date.parse('2027-02-01T00:00:00.000Z');
const remaining = (rules: readonly ReturnType<typeof rule>[], paths: readonly string[], now = BEFORE) =>
  new IgnoreRules(rules)
    .remaining(
      paths.map((path) => ({ path })),
      now,
    )
    .map(({ path }) => path);

describe('the ignore rules', () => {
  it('take out what they name: a field in any order, or at one place', () => {
    const paths = ['createdAt', '7.createdAt', '7.price', '7', 'order', 'answer'];
    expect(remaining([rule('createdAt')], paths)).toEqual(['7.price', '7', 'order', 'answer']);
    expect(remaining([rule('*.createdAt')], paths)).toEqual(['createdAt', '7.price', '7', 'order', 'answer']);
    expect(remaining([rule('7.*'), rule('order')], paths)).toEqual(['createdAt', '7', 'answer']);
    expect(remaining([rule('price.*')], paths)).toEqual(paths);
  });

  it('hold until the end of their last day, and are reported from then on', () => {
    expect(remaining([rule('price')], ['7.price'], BEFORE)).toEqual([]);
    expect(remaining([rule('price')], ['7.price'], AFTER)).toEqual(['7.price']);
    const rules = new IgnoreRules([rule('price'), rule('symbol', '2028-01-01')]);
    expect(rules.expired(BEFORE)).toEqual([]);
    expect(rules.expired(AFTER)).toEqual([rule('price')]);
  });

  it.each([
    ['[', 'is not JSON'],
    ['[]', 'the file '],
    [JSON.stringify({ rules: [{ path: 'price', expires: '2027-01-31' }] }), 'rules.0.reason '],
    [JSON.stringify({ rules: [{ ...rule('price'), expires: '31.1.2027' }] }), 'rules.0.expires '],
    [JSON.stringify({ rules: [{ ...rule('price'), expires: '2027-02-30' }] }), 'rules.0.expires '],
    [JSON.stringify({ rules: [rule('a..b')] }), 'rules.0.path '],
    [JSON.stringify({ rules: [{ ...rule('price'), expired: true }] }), 'rules.0 '],
  ])('are not read from a wrong file: %s', (text, message) => {
    expect(() => IgnoreRules.parse(text)).toThrow(message);
  });
});

const fileOfKey = (key: string) => fileOf([{ name: 'web', keys: [hash('sha256', key)] }]);
const KEY = 'k'.repeat(40);
const NEXT = 'n'.repeat(40);
const DEMO_KEY = 'demo-key-of-the-legacy-api-clients';

describe('the files that an operator changes', () => {
  let folder: string;
  let clientsPath: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'orders-facade-files-'));
    clientsPath = join(folder, 'clients.json');
  });

  afterEach(async () => rm(folder, { recursive: true, force: true }));

  async function write(text: string): Promise<void> {
    await writeFile(`${clientsPath}.new`, text);
    await rename(`${clientsPath}.new`, clientsPath);
  }

  it('are read again when they change; a wrong or missing one is reported, and leaves the keys as they are', async () => {
    const clock = new ManualClock();
    let reported = Promise.withResolvers<string>();
    const logger = pino({ level: 'info' }, { write: (line) => reported.resolve(line) });
    const options = { clientsPath, isProduction: true, rulesPath: undefined, clock, logger };
    await expect(FacadeFiles.open(options)).rejects.toThrow('ENOENT');
    await write(fileOfKey(KEY));
    const files = await FacadeFiles.open(options);
    const admitted = () => [KEY, NEXT].filter((key) => files.keys?.clientOf({ key }) !== undefined);
    expect(admitted()).toEqual([KEY]);
    /** Returns what is reported after a change. */
    const afterChange = async (change: Promise<void>): Promise<string> => {
      await change;
      reported = Promise.withResolvers();
      await clock.advance(1_000);
      return reported.promise;
    };
    expect(await afterChange(write(fileOfKey(NEXT)))).not.toContain(hash('sha256', NEXT));
    expect(admitted()).toEqual([NEXT]);
    expect(await afterChange(write('{"clients": ['))).toContain('changed file is wrong');
    expect(await afterChange(write(fileOfKey(DEMO_KEY)))).toContain('the demo key, which is public');
    expect(await afterChange(rm(clientsPath))).toContain('ENOENT');
    expect(admitted()).toEqual([NEXT]);
    files.close();
  });
});
