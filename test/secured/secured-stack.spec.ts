import { once } from 'node:events';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import type { PipelineResponse } from '../../apps/console/src/pipeline/pipeline-response.js';
import { PrivateAuthority } from '../../dev/servers/private-authority.js';
import { eventually } from '../support/eventually.js';
import { TestSystem } from '../support/test-system.js';
import { runApp, type Run, reconciled, StartedApp } from '../support/started-app.js';
import type { TestedStack } from '../support/tested-stack.js';
import { requestToken, type StackCredentials } from '../support/secured-mode.js';
import { runDocumented } from '../support/documented/run-documented.js';

const run = async (app: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Run> =>
  runApp(app, { PORT: '0', ...env }, ...args);

describe('npm start -- --secured', () => {
  let pipeline: TestSystem;
  let stack: TestedStack;
  let credentials: StackCredentials;

  beforeAll(async () => {
    pipeline = await TestSystem.start({ flags: ['--save-ms', '0..5'] });
    stack = pipeline;
    ({ credentials } = stack);
  });

  afterAll(async () => pipeline?.stop());

  /** Returns the settings of a service, with the credentials themselves instead of files. */
  const service = (name: string): Record<string, string> => {
    const rest = Object.entries(credentials.settings('admin')).filter(
      ([setting]) => !/(?:URI|PASSWORD)_FILE$/.test(setting),
    );
    const kafka = {
      KAFKA_SASL_USERNAME: `orders-${name}`,
      KAFKA_SASL_PASSWORD: credentials.secret(name, 'kafka-password'),
    };
    const registry = {
      SCHEMA_REGISTRY_USERNAME: `orders-${name}`,
      SCHEMA_REGISTRY_PASSWORD: credentials.secret(name, 'registry-password'),
      SCHEMA_REGISTRY_CA_FILE: join(credentials.folder, 'authority.pem'),
    };
    return { ...Object.fromEntries(rest), ...kafka, ...registry, MONGODB_URI: credentials.secret(name, 'mongodb-uri') };
  };

  it('saves, dead-letters, redrives, reconciles and shows all figures, each service with its own rights', async () => {
    const operation = await pipeline.populate({ count: 300, faults: { poison: 0.1 } });
    await pipeline.allEnded(operation.id);
    const { body } = await pipeline.post<{ id: string }>('/v1/dead-letters/redrive', { operationId: operation.id });
    expect(body).toHaveProperty('id');
    expect(await reconciled(stack, operation.id)).toMatchObject({ code: 0, verdict: 'holds' });
    await eventually('the console has all figures', async () => {
      const answer = await fetch(`${stack.consoleUrl}/v1/pipeline`);
      const { lagRecords, consumers, deadLetters } = (await answer.json()) as PipelineResponse;
      return lagRecords !== null && consumers?.length === 1 && deadLetters !== null;
    });
    expect((await pipeline.get('/v1/orders/summary?groupBy=symbol')).status).toBe(200);
  });

  it('requires a token', async () => {
    for (const url of [stack.producerUrl, stack.queryApiUrl, stack.consoleUrl]) {
      const path = { [stack.queryApiUrl]: '/v1/orders', [stack.consoleUrl]: '/v1/pipeline' }[url] ?? '/v1/operations';
      expect((await fetch(`${url}${path}`, { headers: { authorization: 'Bearer none' } })).status).toBe(401);
    }
    const writeOnly = await requestToken(stack.issuerUrl, 'orders:write');
    const refused = await fetch(`${stack.queryApiUrl}/v1/orders`, {
      headers: { authorization: `Bearer ${writeOnly}` },
    });
    expect(refused.status).toBe(403);
  });

  it('is asked with a token, as docs/run.md says', async () => {
    const commands = [
      `TOKEN=$(curl -s -u orders-demo:orders-demo-secret -d grant_type=client_credentials -d 'scope=orders:read orders:write' localhost:3003/token | node -p 'JSON.parse(fs.readFileSync(0)).access_token')`,
      'curl -s localhost:3001/v1/operations -H "authorization: Bearer $TOKEN"',
    ];
    const [issuer, producer] = [stack.issuerUrl, stack.producerUrl].map((url) => new URL(url).host);
    const { stdout } = await runDocumented(commands, {
      replacing: { 'localhost:3003': String(issuer), 'localhost:3001': String(producer) },
    });
    expect(JSON.parse(stdout)).toMatchObject({ items: expect.any(Array) });
  });

  it('lets the credentials of the query API read orders, and write none', async () => {
    const client = new MongoClient(credentials.secret('query-api', 'mongodb-uri'));
    const orders = client.db().collection('orders');
    expect(await orders.findOne()).not.toBeNull();
    for (const write of [
      async () => orders.insertOne({ note: 'forged' }),
      async () => orders.updateMany({}, { $set: { note: 'forged' } }),
      async () => orders.deleteMany({}),
      async () => orders.drop(),
      async () => client.db().collection('deadLetters').insertOne({ note: 'forged' }),
    ])
      await expect(write()).rejects.toMatchObject({ codeName: 'Unauthorized' });
    await client.close();
  });

  // `RunningStack.stop` also searches all logs, after all specs of the file.
  it('keeps all secrets in files of their owner, and out of its output, logs and command lines', async () => {
    for (const file of [...credentials.files(), join(credentials.folder, 'admin.env')])
      expect([file, (await stat(file)).mode & 0o777]).toEqual([file, 0o600]);
    const secrets = credentials.passwords();
    expect(new Set(secrets).size).toBeGreaterThanOrEqual(7);
    const texts = stack.writtenTexts().map(([, text]) => text);
    for (const { pid } of stack.processes())
      texts.push(await readFile(`/proc/${pid}/cmdline`, 'utf8'), await readFile(`/proc/${pid}/environ`, 'utf8'));
    for (const text of texts) expect(secrets.filter((secret) => text.includes(secret))).toEqual([]);
  });

  it('has the roles and ACLs of the table, which npm run admin compares and repairs', async () => {
    const settings = credentials.settings('admin');
    expect(await run('admin', ['roles', 'plan'], settings)).toMatchObject({ code: 0, stderr: '' });
    const admin = new MongoClient(credentials.secret('admin', 'mongodb-uri'));
    await admin.db('admin').command({ updateRole: 'orders-query-api', privileges: [] });
    const plan = await run('admin', ['roles', 'plan'], settings);
    expect(plan).toMatchObject({ code: 1, stdout: 'Role orders-query-api has other privileges.\n' });
    const applied = await run('admin', ['roles', 'apply'], settings);
    expect(applied).toMatchObject({ code: 0, stdout: expect.stringContaining('corrected role orders-query-api') });
    await admin.close();
  });

  describe('ends a service that it can not admit with one line', () => {
    it.each<[string, () => NodeJS.ProcessEnv, RegExp]>([
      [
        'a wrong password of MongoDB',
        () => ({ MONGODB_URI: credentials.secret('producer', 'mongodb-uri').replace(/:[^:@]+@/, ':canary@') }),
        /^MongoDB rejects the user in MONGODB_URI: correct its name or password/,
      ],
      [
        'no authority for MongoDB',
        () => ({ MONGODB_URI: credentials.secret('producer', 'mongodb-uri').replace(/&tlsCAFile=[^&]+/, '') }),
        /^MongoDB has a certificate of an unknown authority: set MONGODB_URI \(tlsCAFile\)/,
      ],
      [
        'a file of an authority for MongoDB that does not exist',
        () => ({
          MONGODB_URI: credentials.secret('producer', 'mongodb-uri').replace(/tlsCAFile=[^&]+/, 'tlsCAFile=nowhere'),
        }),
        /MONGODB_URI must be .* names a tlsCAFile that does not exist: set the path of an existing file/,
      ],
      [
        'a wrong host name of the registry',
        () => ({ SCHEMA_REGISTRY_URL: `https://localhost:${stack.ports['REGISTRY_PORT']}/apis/ccompat/v7` }),
        /^The schema registry has a certificate for another host name: set SCHEMA_REGISTRY_URL/,
      ],
      [
        'a wrong password of the registry',
        () => ({ SCHEMA_REGISTRY_PASSWORD: 'canary' }),
        /^The schema registry rejects the credentials: correct SCHEMA_REGISTRY_USERNAME/,
      ],
      [
        'a missing file of a secret',
        () => ({ KAFKA_SASL_PASSWORD: '', KAFKA_SASL_PASSWORD_FILE: '/nowhere/canary' }),
        /The file of KAFKA_SASL_PASSWORD_FILE does not exist: set the path of an existing file/,
      ],
    ])('%s', async (_, change, line) => {
      const ended = await run('producer', [], { ...service('producer'), ...change() });
      expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(line) });
      expect(
        ended.stderr
          .trim()
          .split('\n')
          .filter((text) => text !== 'Invalid settings:'),
      ).toHaveLength(1);
      expect(`${ended.stderr}${ended.stdout}`).not.toContain('canary');
    });

    it('rejects a file of an authority without a certificate', async () => {
      const file = join(stack.dataDirectory, 'no-authority.pem');
      await writeFile(file, 'nothing\n');
      const changes = { KAFKA_SSL_CA_FILE: file, SCHEMA_REGISTRY_CA_FILE: file };
      const ended = await run('producer', [], { ...service('producer'), ...changes });
      expect(ended.stderr).toMatch(/KAFKA_SSL_CA_FILE must be .*\n.*SCHEMA_REGISTRY_CA_FILE must be /);
    });
  });

  describe('keeps a service not ready until the server is corrected, and says why:', () => {
    it.each<[string, string, () => NodeJS.ProcessEnv, string, RegExp]>([
      [
        'a user of MongoDB without the role',
        'producer',
        () => ({ MONGODB_URI: credentials.secret('console', 'mongodb-uri') }),
        'restore',
        /^MongoDB denies a command of the user in MONGODB_URI: grant it the role/,
      ],
      [
        'a user of Kafka without ACLs of the service',
        'consumer',
        () => ({
          KAFKA_SASL_USERNAME: 'orders-console',
          KAFKA_SASL_PASSWORD: credentials.secret('console', 'kafka-password'),
        }),
        'group',
        /GROUP_AUTHORIZATION_FAILED.*grant it the ACLs/,
      ],
    ])('%s', async (_, app, change, check, line) => {
      expect(await reasonOf(app, change(), check, line)).toMatch(line);
    });

    it('an expired certificate of the registry', async () => {
      const authority = await PrivateAuthority.create();
      const { certificate, key } = await authority.issue('registry', ['127.0.0.1'], new Date(Date.UTC(2_026, 0)));
      const registry = createServer({ cert: certificate, key }).listen(0, '127.0.0.1');
      await once(registry, 'listening');
      const file = join(stack.dataDirectory, 'expired.pem');
      await writeFile(file, authority.certificate);
      const address = `https://127.0.0.1:${(registry.address() as AddressInfo).port}/apis/ccompat/v7`;
      const changes = { SCHEMA_REGISTRY_CA_FILE: file, SCHEMA_REGISTRY_URL: address };
      const line = /^The schema registry at SCHEMA_REGISTRY_URL has an expired certificate: renew it/;
      expect(await reasonOf('producer', changes, 'registry', line)).toMatch(line);
      registry.close();
    });
  });

  /** Starts a service with wrong settings. @returns the line of its readiness for a check, once it matches */
  async function reasonOf(name: string, changes: NodeJS.ProcessEnv, check: string, line: RegExp): Promise<string> {
    const app = await StartedApp.start(name, { ...service(name), ...changes });
    try {
      return await app.reasonOf(check, line);
    } finally {
      await app.kill();
    }
  }

  it('starts again on the same data, with new secrets', async () => {
    const before = credentials.secret('producer', 'kafka-password');
    const { id } = await pipeline.populate({ count: 10 });
    await pipeline.allSaved(id);
    await stack.stop();
    await expect(stat(credentials.folder)).rejects.toThrow('ENOENT');
    const again = await TestSystem.start({ dataDirectory: stack.dataDirectory, flags: ['--save-ms', '0..5'] });
    pipeline = again;
    expect(again.credentials.secret('producer', 'kafka-password')).not.toBe(before);
    const { id: next } = await pipeline.populate({ count: 10 });
    await pipeline.allSaved(next);
    await rm(join(again.dataDirectory, 'no-authority.pem'), { force: true });
  });
});
