import { readFileSync } from 'node:fs';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { systemClock } from '@orders-pipeline/clock';
import { useTemporaryFolder } from '#orders/testing/temporary-folder.js';
import { rotationSteps } from './rotate.js';
import { secretProblems } from './checks.js';
import { Deployment, STACK_FOLDER } from './deployment.js';

const DEMO_CLIENTS = join(STACK_FOLDER, '..', 'legacy-clients.json');

describe('the state of a swarm', () => {
  const directory = useTemporaryFolder();
  let deployment: Deployment;

  beforeEach(async () => {
    const envFiles = [join(STACK_FOLDER, 'one-node.env')];
    deployment = new Deployment({ stack: 'orders', envFiles, files: [], state: directory(), devIssuer: true }, {});
    await deployment.state.create(deployment.publicHosts);
  });

  const secret = async (name: string): Promise<string> => readFile(directory('secrets', name), 'utf8');
  /** Returns the problems of the secrets. @param warn receives warnings */
  const problems = (values: Record<string, string> = {}, warn: (line: string) => void = () => undefined) =>
    secretProblems(deployment.read(values), systemClock.now(), warn);
  const rotate = async (what: string): Promise<string[]> => {
    const titles = [];
    for (const { title, change } of rotationSteps(what, deployment)) {
      await change();
      titles.push(title);
      expect(problems()).toEqual([]);
    }
    return titles;
  };

  it('has a file for each secret of the stack file, and no other', async () => {
    expect(problems()).toEqual([]);
    const files = new Set(deployment.read().files.map(({ file }) => file));
    const own = (await readdir(deployment.state.secrets)).map((name) => join(deployment.state.secrets, name));
    expect(own.filter((file) => !files.has(file))).toEqual([]);
  });

  it('is readable for its owner only', async () => {
    expect((await stat(directory())).mode & 0o77).toBe(0);
    for (const name of await readdir(deployment.state.secrets))
      expect((await stat(join(deployment.state.secrets, name))).mode & 0o77).toBe(0);
  });

  it('has certificates for the names by which each server is reached', async () => {
    const pem = await secret('gateway-certificate.pem');
    const certificate = new X509Certificate(pem);
    expect(certificate.checkHost('localhost')).toBe('localhost');
    expect(certificate.checkIssued(new X509Certificate(await secret('authority.pem')))).toBe(true);
    expect(new X509Certificate(await secret('kafka-2.pem')).checkHost('kafka-2')).toBe('kafka-2');
  });

  it('replaces a user by one of another name, and keeps both until the end', async () => {
    const before = await secret('producer-username');
    const [step] = rotationSteps('user:producer', deployment);
    await step?.change();
    expect(await secret('producer-username')).toBe('orders-producer-2');
    const users = await secret('users');
    for (const name of [before, 'orders-producer-2']) expect(users).toMatch(new RegExp(`^producer ${name} \\S+$`, 'm'));
    expect(await secret('registry-users.properties')).toContain(`users."${before}"=`);
    await rotationSteps('user:producer', deployment)[1]?.change();
    expect(await secret('users')).not.toContain(before);
  });

  it('replaces the key of the members in three steps, in which neighbours accept each other', async () => {
    const before = (await secret('mongodb-key')).trim();
    const [accept, use] = rotationSteps('mongodb-key', deployment);
    await accept?.change();
    expect((await secret('mongodb-key')).split('\n')[0]).toBe(`- ${before}`);
    await use?.change();
    expect((await secret('mongodb-key')).split('\n')[1]).toBe(`- ${before}`);
    await rotationSteps('mongodb-key', deployment)[2]?.change();
    expect(await secret('mongodb-key')).not.toContain(before);
  });

  it('replaces the authority in three steps: the certificates change when all accept the new one', async () => {
    const before = await secret('registry-certificate.pem');
    const [accept, issue, forget] = rotationSteps('authority', deployment);
    await accept?.change();
    expect(deployment.state.authorities).toHaveLength(2);
    expect(await secret('registry-certificate.pem')).toBe(before);
    await issue?.change();
    const issued = new X509Certificate(await secret('registry-certificate.pem'));
    await forget?.change();
    expect(deployment.state.authorities).toHaveLength(1);
    expect(issued.checkIssued(new X509Certificate(await secret('authority.pem')))).toBe(true);
  });

  it('accepts page tokens of the secret before', async () => {
    const before = await secret('page-token');
    await rotate('page-token');
    expect(await secret('page-tokens-before')).toBe(before);
  });

  it('has no client of the facade at first, and keeps those that the operator adds', async () => {
    expect(await secret('legacy-clients')).toBe('{ "clients": [] }\n');
    const own = JSON.stringify({ clients: [{ name: 'billing', keys: ['0'.repeat(64)] }] });
    const file = join(deployment.state.secrets, 'legacy-clients');
    await writeFile(file, own);
    await rotate('users');
    await deployment.state.createClientKeys();
    expect(await secret('legacy-clients')).toBe(own);
    await rm(file);
    await deployment.state.createClientKeys();
    expect(await secret('legacy-clients')).toBe('{ "clients": [] }\n');
  });

  it.each([
    ['the public key of the repository', readFileSync(DEMO_CLIENTS, 'utf8'), 'has the demo key, which is public'],
    ['no JSON', '{', 'is not JSON'],
  ])('refuses clients of the facade with %s', async (_kind, content, message) => {
    await writeFile(join(deployment.state.secrets, 'legacy-clients'), content);
    expect(problems()).toEqual([{ code: 'bad-client-keys', text: expect.stringContaining(message) }]);
  });

  it('refuses a facade without clients', () => {
    expect(problems({ FACADES: '0' })).toEqual([]);
    expect(problems({ FACADES: '1' })).toMatchObject([
      { code: 'bad-client-keys', text: expect.stringContaining('has no keys') },
    ]);
  });

  it('rejects an unknown rotation', () => {
    expect(() => rotationSteps('user:printer', deployment)).toThrow(
      /^bad-argument: rotate takes one of users, certificates/,
    );
  });

  it('names a missing secret, an expired certificate, and one that expires soon', async () => {
    await deployment.state.renewCertificates(['localhost'], -1);
    const codes = problems().map(({ code }) => code);
    expect(new Set(codes)).toEqual(new Set(['certificate-expired']));
    expect(codes).toHaveLength(9);
    await deployment.state.renewCertificates(['localhost'], 10);
    const warnings: string[] = [];
    expect(problems({}, (line) => void warnings.push(line))).toEqual([]);
    expect(warnings).toHaveLength(9);
    await rm(join(deployment.state.secrets, 'page-token'));
    expect(problems()).toEqual([
      {
        code: 'missing-secret',
        text: expect.stringMatching(/^the secret page-token is missing: restore .*page-token/),
      },
    ]);
  });
});
