import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'node:tls';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { PrivateAuthority } from '../../dev/servers/private-authority.js';
import { pipelineState } from '../support/console-requests.js';
import type { DocumentedRun } from '../support/documented/run-documented.js';
import { eventually } from '../support/eventually.js';
import { writeKafkaScripts } from '../support/foreign-clients/kafka-tools.js';
import { Redrives } from '../support/sent-orders.js';
import { TestIssuer } from '../support/test-issuer.js';
import type { TestedStack } from '../support/tested-stack.js';
import { DocumentedShell } from './documented-shell.js';

/** A command, what stands for its placeholders, and what it prints. */
type Row = readonly [string, () => DocumentedRun['replacing'], RegExp];

const none = (): DocumentedRun['replacing'] => ({});
const isOk = /"status":"ok"/;

/** @param shared returns the stack that these specs share with others */
export function documentedCommandsSpecs(shared: () => TestedStack): void {
  let pipeline: TestedStack;
  let scripts: string;
  let shell: DocumentedShell;

  beforeAll(async () => {
    pipeline = shared();
    scripts = await writeKafkaScripts();
    shell = new DocumentedShell(pipeline, [scripts]);
  });

  afterAll(async () => rm(scripts, { recursive: true, force: true }));

  const brokers = () => ({ 'HOST:9092': pipeline.brokers });
  const producer = () => ({ 'HOST:PORT': new URL(pipeline.producerUrl).host });

  it.each<Row>([
    ['curl -sm 5 HOST:PORT/health/live', producer, isOk],
    ['curl -s HOST:PORT/health/ready', producer, isOk],
    ['curl -s localhost:3000/health/ready', none, isOk],
    ['curl -s localhost:3001/health/ready', none, isOk],
    ['curl -s localhost:3005/health/ready', none, isOk],
    [
      `curl -s localhost:3002/v1/pipeline/in-flight -H 'content-type: application/json' -d '{"limit": 500}'`,
      none,
      /"limit":500/,
    ],
    ['npm run migration -- status', none, /off/],
    ['npm run migration -- mismatches', none, /^/],
    ['npm run migration -- mismatches --capability writes', none, /^/],
    ['npm run migration -- pending', none, /^/],
    [
      'kafka-topics.sh --bootstrap-server HOST:9092 --describe --topic orders.v1',
      brokers,
      /Topic: orders\.v1.*PartitionCount: 12/,
    ],
    [
      'kafka-topics.sh --bootstrap-server HOST:9092 --describe --topic orders.v1 --under-min-isr-partitions',
      brokers,
      /^\s*$/,
    ],
    ['kafka-topics.sh --bootstrap-server HOST:9092 --describe --under-replicated-partitions', brokers, /^\s*$/],
    [
      'kafka-consumer-groups.sh --bootstrap-server HOST:9092 --describe --group orders-savers --state',
      brokers,
      /orders-savers .*Stable/,
    ],
    [
      'kafka-leader-election.sh --bootstrap-server HOST:9092 --election-type PREFERRED --all-topic-partitions',
      brokers,
      /^/,
    ],
    ['du -xh --max-depth=2 /var/lib | sort -h | tail', none, /\/var\/lib/],
  ])('%s', async (command, replacing, prints) => {
    expect(await shell.output(command, replacing())).toMatch(prints);
  });

  it('show, pause and resume an operation', async () => {
    const { id } = await pipeline.populate({ count: 100_000, ratePerSecond: 50 });
    const shown = await shell.output('npm run orders -- operation OPERATION', { OPERATION: id });
    expect(shown).toMatch(new RegExp(`^operation +${id}$`, 'm'));
    await shell.output('npm run orders -- pause OPERATION', { OPERATION: id });
    await eventually('it is paused', async () => (await pipeline.operation(id)).status === 'paused');
    await shell.output('npm run orders -- resume OPERATION', { OPERATION: id });
    expect((await pipeline.operation(id)).status).toBe('running');
    await pipeline.post(`/v1/operations/${id}/cancel`, {});
  });

  it('group, list, redrive and discard dead letters', async () => {
    const { id: operation } = await pipeline.populate({ count: 100, faults: { poison: 0.2 } });
    await pipeline.allEnded(operation);
    const redrives = new Redrives(pipeline);
    const [[code, count] = ['', 0]] = Object.entries(await redrives.groups('pending', operation));
    expect(await shell.output('npm run orders -- dead-letters')).toContain(code);
    expect(await shell.output('npm run orders -- dead-letters --list')).toContain(operation);
    await shell.output('npm run orders -- redrive --error CODE', { CODE: code });
    // There are none of this one.
    const unknown = await shell.run('npm run orders -- redrive --error unknown-schema');
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining('nothing-to-redrive')]);
    const returned = { operationId: operation, 'error.code': code, state: 'pending', redrives: 1 } as const;
    await eventually('the letters have returned', async () => {
      return (await redrives.letters.countDocuments(returned)) === count;
    });
    const { _id: letter = '' } = (await redrives.letters.findOne(returned)) ?? {};
    await shell.output('npm run orders -- discard ID', { ID: letter });
    expect((await redrives.letters.findOne({ _id: letter }))?.state).toBe('discarded');
  });

  it('scale the consumers', async () => {
    expect(await shell.output('npm run scale -- 4 --watch')).toContain('no verdict: ');
    expect((await pipelineState(pipeline)).consumers).toHaveLength(4);
    await shell.output('npm run scale -- 1');
    await eventually('one consumer is left', () => {
      const names = pipeline.processes().map(({ name }) => name);
      return names.filter((name) => name.startsWith('consumer-')).length === 1 || names;
    });
  });

  it('refuse the scaling demo while orders are sent, and change nothing', async () => {
    const { id } = await pipeline.populate({ count: 100_000, ratePerSecond: 50 });
    await eventually('orders are sent', async () => ((await pipelineState(pipeline)).producedPerSecond ?? 0) > 0);
    const { code, stderr } = await shell.run('npm run orders -- scaling-demo');
    expect([code, stderr]).toEqual([2, expect.stringContaining('(work-under-way)\nNothing was changed.\n')]);
    expect((await pipelineState(pipeline)).scalingDemo).toBeNull();
    await pipeline.post(`/v1/operations/${id}/cancel`, {});
  });

  it('open the inspector of a process that hangs', async () => {
    await shell.output('kill -USR1 PID', { PID: String(pipeline.process('query-api').pid) });
    expect((await fetch(`${pipeline.queryApiUrl}/health/live`)).status).toBe(200);
  });

  it('compare both sides of a migration', async () => {
    const { code, stdout } = await shell.run('npm run migration -- verify');
    const [, legacy, target] = /^(\d+) orders in the legacy system, (\d+) on the target/m.exec(stdout) ?? [];
    // Other cases may have given them some, of different numbers.
    expect({ code, legacy, target }).toMatchObject({ code: legacy === '0' && target === '0' ? 0 : 1 });
    expect([legacy, target]).not.toContain(undefined);
  });

  it('release the hold of a migration', async () => {
    const held = await fetch(`${pipeline.facadeUrl}/v1/migration/hold`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ held: true, reason: 'a test' }),
    });
    expect(held.status).toBeLessThan(300);
    const released = await shell.output('npm run migration -- hold --release --reason TEXT', { TEXT: 'repaired' });
    expect(released).toContain('Changes are allowed.');
  });

  it('compare the topics of three brokers, which the settings name', async () => {
    const settings = 'export KAFKA_BROKERS=kafka-1:9092,kafka-2:9092,kafka-3:9092';
    const place = { 'kafka-1:9092,kafka-2:9092,kafka-3:9092': pipeline.brokers };
    const { code, stdout } = await shell.run([settings, 'npm run admin -- topics plan'], place);
    // The topics have one copy here.
    expect([code, stdout]).toEqual([1, expect.stringContaining('orders.v1')]);
  });

  it('show when a certificate expires, of a file and of a server', async () => {
    const issued = await (await PrivateAuthority.create()).issue('orders.example', ['127.0.0.1']);
    const folder = await mkdtemp(join(tmpdir(), 'orders-certificate-'));
    const server = createServer({ key: issued.key, cert: issued.certificate }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    await writeFile(join(folder, 'server.pem'), issued.certificate);
    const ofFile = await shell.output('openssl x509 -noout -subject -enddate -in FILE', {
      FILE: join(folder, 'server.pem'),
    });
    const ofServer = await shell.output(
      'openssl s_client -connect HOST:PORT </dev/null | openssl x509 -noout -enddate',
      {
        'HOST:PORT': `127.0.0.1:${port}`,
      },
    );
    server.close();
    await rm(folder, { recursive: true });
    expect(ofFile).toMatch(/^notAfter=/m);
    expect(ofFile).toContain(ofServer);
  });

  it('ask the issuer', async () => {
    const issuer = await TestIssuer.start();
    const answer = await shell.output('curl -s ISSUER/.well-known/openid-configuration', { ISSUER: issuer.url });
    await issuer.stop();
    expect(JSON.parse(answer)).toMatchObject({ issuer: issuer.url });
  });
}
