import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { consumerDefinition } from '../dev/supervisor/app-definitions.js';
import { runDocumented } from './support/documented/run-documented.js';
import { eventually, HANG_GUARD_MS } from './support/eventually.js';
import { GuardedStack } from './support/test-issuer.js';

interface Answer {
  readonly status: number;
  readonly body: { readonly code?: string };
}

const CPU_PROFILE = `curl -s HOST:PORT/ops/cpu-profile -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{"seconds": 10}'`;
const HEAP_SNAPSHOT = 'curl -s -X POST HOST:PORT/ops/heap-snapshot -H "authorization: Bearer $TOKEN"';
const SERVICES = ['producer', 'query-api', 'console', 'consumer-1'];

async function post(url: string | undefined, path: string, token?: string, body?: object): Promise<Answer> {
  const headers = new Headers(body === undefined ? {} : { 'content-type': 'application/json' });
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`);
  const sent = body === undefined ? {} : { body: JSON.stringify(body) };
  const response = await fetch(`${url}/ops/${path}`, { method: 'POST', headers, ...sent });
  return { status: response.status, body: (await response.json()) as Answer['body'] };
}

describe('profiles of a running stack', () => {
  let folder: string;
  let stack: GuardedStack;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'orders-profiles-'));
    stack = await GuardedStack.start({ PROFILE_DIR: folder });
  });

  afterAll(async () => {
    await stack.end();
    rmSync(folder, { recursive: true });
  });

  function urlOf(service: string): string | undefined {
    return stack.pipeline.apps.all.find(({ name }) => name === service)?.url;
  }

  async function operator(sub = 'operator'): Promise<string> {
    return stack.issuer.token({ claims: { sub, scope: 'ops:profile' } });
  }

  it.each(SERVICES)('need a scope that clients do not request by default, at %s', async (service) => {
    const others = await stack.issuer.token();
    for (const path of ['cpu-profile', 'heap-snapshot']) {
      expect(await post(urlOf(service), path)).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
      expect(await post(urlOf(service), path, others)).toMatchObject({
        status: 403,
        body: { code: 'insufficient-scope' },
      });
    }
    const described = await fetch(`${urlOf(service)}/.well-known/oauth-protected-resource`);
    expect(await described.text()).not.toContain('ops:profile');
  });

  it.each(SERVICES)('show what %s did', async (service) => {
    const { stdout } = await runDocumented(CPU_PROFILE, {
      replacing: { 'HOST:PORT': String(urlOf(service)), '"seconds": 10': '"seconds": 1' },
      env: { TOKEN: await operator() },
    });
    const { path } = JSON.parse(stdout) as { path: string };
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const { samples, timeDeltas, startTime, endTime } = JSON.parse(readFileSync(path, 'utf8')) as {
      samples: number[];
      timeDeltas: number[];
      startTime: number;
      endTime: number;
    };
    // How many samples a second has depends on the speed of the machine.
    expect(samples).not.toHaveLength(0);
    expect(timeDeltas).toHaveLength(samples.length);
    // In microseconds. The timer counts from just after the begin of the profile.
    expect(endTime - startTime).toBeGreaterThan(900_000);
  });

  it('are audited in MongoDB by services that may write there', async () => {
    const token = await operator('auditor');
    for (const service of SERVICES)
      expect((await post(urlOf(service), 'cpu-profile', token, { seconds: 0 })).status).toBe(400);
    await eventually('the requests are stored', async () => {
      const path = '/v1/audit?action=cpu-profile&subject=auditor';
      const { items } = await stack.json<{ items: { service: string }[] }>(path, await stack.issuer.token());
      const services = items.map(({ service }) => service).toSorted();
      return services.join() === 'console,producer' || services;
    });
  });

  it('have the heap of a consumer that has drained', async () => {
    const { apps, context } = stack.pipeline;
    const consumer = apps.make(consumerDefinition(context, 2));
    await consumer.start();
    const { stdout } = await runDocumented(HEAP_SNAPSHOT, {
      replacing: { 'HOST:PORT': String(consumer.url) },
      env: { TOKEN: await operator() },
    });
    const { path } = JSON.parse(stdout) as { path: string };
    expect([path, `${path}.part`].map((each) => existsSync(each))).toEqual([false, false]);
    expect(await consumer.stop(HANG_GUARD_MS)).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const { snapshot } = JSON.parse(readFileSync(path, 'utf8')) as { snapshot: { node_count: number } };
    expect(snapshot.node_count).toBeGreaterThan(1_000);
  });
});
