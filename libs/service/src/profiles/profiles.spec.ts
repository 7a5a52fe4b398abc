import { EventEmitter, once } from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { NestFactory, Reflector } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { ManualClock } from '@orders-pipeline/clock/testing';
import { auditRequests } from '../audit/audit-requests.js';
import type { AuditFacts } from '../audit/audit-trail.js';
import { ScopeGuard } from '../auth/scope.guard.js';
import { ProblemFilter } from '../http/problem-filter.js';
import { explainInput, ValidationPipe } from '../http/request-input.js';
import { loadSettings, SettingsError } from '../settings/settings.js';
import { closeService } from '../process/start-service.js';
import { ProfileFolder, profileSettings, type ProfileSettings } from './profile-folder.js';
import { withProfiles } from './profiles.controller.js';
import { Profiles } from './profiles.js';

/** Records the files that are there at the end of its drain. */
@Module({})
class Service implements OnApplicationShutdown {
  static filesAtEnd: readonly string[] | undefined;

  onApplicationShutdown(): void {
    Service.filesAtEnd = readdirSync(folder);
  }
}

interface Response {
  readonly status: number;
  readonly body: { readonly code?: string; readonly path?: string; readonly bytes?: number };
}

/** A clock that reports when something begins to wait. */
class ObservedClock extends ManualClock {
  readonly events = new EventEmitter();

  override after(milliseconds: number, run: () => void): () => void {
    this.events.emit('wait');
    return super.after(milliseconds, run);
  }
}

/** What the profiler of these specs finds. */
const HEAP = { snapshot: { node_count: 2 } };

let folder: string;
let clock: ObservedClock;
let audit: AuditFacts[];
let app: NestFastifyApplication | undefined;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'profiles-'));
  clock = new ObservedClock();
  audit = [];
});

afterEach(async () => {
  await app?.close();
  app = undefined;
  rmSync(folder, { recursive: true });
});

function profilesIn(directory: string, maxCpuProfileBytes?: number): Profiles {
  const limit = maxCpuProfileBytes === undefined ? {} : { maxCpuProfileBytes };
  const profiler = {
    recordCpu: async (ended: Promise<unknown>) => {
      const startedAt = clock.now();
      await ended;
      return { milliseconds: clock.now() - startedAt, nodes: 'x'.repeat(200) };
    },
    readHeap: () => Readable.from([JSON.stringify(HEAP)]),
  };
  return new Profiles({ service: 'saver', folder: new ProfileFolder(directory), clock, profiler, ...limit });
}

function noChoice(): never {
  throw new Error('no route chooses its scope');
}

/** Starts a service that requires tokens. A request has the scopes of its header. */
async function serve(profiles: Profiles | undefined): Promise<void> {
  app = await NestFactory.create<NestFastifyApplication>(withProfiles(Service, profiles), new FastifyAdapter(), {
    logger: false,
    abortOnError: false,
  });
  const fastify = app.getHttpAdapter().getInstance();
  fastify.decorateRequest('caller', null);
  fastify.decorateRequest('tokenError', null);
  fastify.addHook('onRequest', (request, _reply, done) => {
    const { 'x-scopes': scopes } = request.headers;
    if (typeof scopes === 'string')
      request.caller = { subject: 'ada', clientId: 'desk', scopes: new Set(scopes.split(' ')), validUntil: 0 };
    done();
  });
  auditRequests(fastify, (facts) => audit.push(facts), new ManualClock());
  explainInput();
  app.useGlobalPipes(new ValidationPipe());
  app.useGlobalFilters(new ProblemFilter());
  app.useGlobalGuards(new ScopeGuard(new Reflector(), 'orders', noChoice));
  await app.init();
}

async function post(path: string, payload: object = {}, scopes: string | null = 'ops:profile'): Promise<Response> {
  if (app === undefined) throw new Error('no service is started');
  const headers = scopes === null ? {} : { 'x-scopes': scopes };
  const { statusCode, body } = await app.inject({ method: 'POST', url: `/ops/${path}`, payload, headers });
  return { status: statusCode, body: JSON.parse(body) as Response['body'] };
}

/** Requests a CPU profile. Resolves to its response in future, when samples are taken. */
async function recording(seconds: number): Promise<{ readonly response: Promise<Response> }> {
  const isWaiting = once(clock.events, 'wait');
  const response = post('cpu-profile', { seconds });
  await isWaiting;
  return { response };
}

/** Takes a CPU profile of 10 s. */
async function profiled(): Promise<Response> {
  const { response } = await recording(10);
  await clock.advance(10_000);
  return response;
}

describe('the routes of profiles', () => {
  it('do not exist without a folder', async () => {
    await serve(undefined);
    for (const path of ['cpu-profile', 'heap-snapshot']) expect((await post(path)).status).toBe(404);
  });

  it.each(['cpu-profile', 'heap-snapshot'])('need a token with their scope, and are audited: %s', async (action) => {
    await serve(profilesIn(folder));
    expect((await post(action, {}, null)).status).toBe(401);
    const others = 'orders:read orders:write ops:scale ops:migrate audit:read faults:inject dead-letters:redrive';
    expect((await post(action, {}, others)).body.code).toBe('insufficient-scope');
    expect(audit).toMatchObject([
      { action, outcome: 'refused', status: 401 },
      { action, outcome: 'refused', status: 403, subject: 'ada', clientId: 'desk' },
    ]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([{ seconds: 0 }, { seconds: 61 }, { seconds: 1.5 }, { seconds: '10' }, { minutes: 1 }])(
    'refuse %j',
    async (body) => {
      await serve(profilesIn(folder));
      const { status, body: problem } = await post('cpu-profile', body);
      expect([status, problem.code]).toEqual([400, 'invalid-request']);
    },
  );
});

describe('a CPU profile', () => {
  it('is a file for its owner only, of the requested time', async () => {
    await serve(profilesIn(folder));
    const { status, body } = await profiled();
    const [name = '', ...others] = readdirSync(folder);
    const path = join(folder, name);
    const { size, mode } = statSync(path);
    expect([status, body, others]).toEqual([201, { path, bytes: size }, []]);
    expect([name, mode & 0o777]).toEqual([expect.stringMatching(/^saver-.*\.cpuprofile$/), 0o600]);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ milliseconds: 10_000 });
    expect(audit).toMatchObject([{ action: 'cpu-profile', outcome: 'done', status: 201 }]);
  });

  it('is refused while another one is taken, and taken afterwards', async () => {
    await serve(profilesIn(folder));
    const { response: first } = await recording(10);
    expect((await post('cpu-profile')).body.code).toBe('profile-running');
    await clock.advance(10_000);
    expect([(await first).status, (await profiled()).status]).toEqual([201, 201]);
  });

  it('ends when the process begins to drain, and later ones are refused', async () => {
    const profiles = profilesIn(folder);
    await serve(profiles);
    const { response } = await recording(60);
    profiles.beginDrain();
    expect((await response).status).toBe(201);
    for (const path of ['cpu-profile', 'heap-snapshot']) expect((await post(path)).body.code).toBe('draining');
  });

  it('is removed when it is too large', async () => {
    await serve(profilesIn(folder, 100));
    const { status, body } = await profiled();
    expect([status, body.code, readdirSync(folder)]).toEqual([507, 'profile-too-large', []]);
  });

  it('is removed when the disk is full', async () => {
    const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    const chunks = new Readable({ read: () => chunks.destroy(full) });
    await expect(new ProfileFolder(folder).write('one.heapsnapshot', chunks, 100)).rejects.toMatchObject({
      status: 507,
      code: 'disk-full',
    });
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is refused when the folder has 20 profiles, unfinished ones included', async () => {
    await serve(profilesIn(folder));
    for (let n = 0; n < 10; n += 1)
      for (const extension of ['cpuprofile', 'heapsnapshot.part']) writeFileSync(join(folder, `${n}.${extension}`), '');
    for (const path of ['cpu-profile', 'heap-snapshot']) {
      const { status, body } = await post(path);
      expect([status, body.code]).toEqual([507, 'too-many-profiles']);
    }
    rmSync(join(folder, '1.cpuprofile'));
    writeFileSync(join(folder, 'notes.txt'), '');
    expect((await profiled()).status).toBe(201);
  });

  it('follows no link in the folder', async () => {
    await serve(profilesIn(folder));
    const target = join(folder, 'target');
    const { path = '' } = (await post('heap-snapshot')).body;
    writeFileSync(target, 'untouched');
    // The name that the profile will have while it is written.
    symlinkSync(target, path.replace('00-00-00-000Z.heapsnapshot', '00-00-10-000Z.cpuprofile.part'));
    expect((await profiled()).status).toBe(500);
    expect(readFileSync(target, 'utf8')).toBe('untouched');
  });
});

describe('a heap snapshot', () => {
  it('is written when the process has drained, once, for its owner only', async () => {
    const profiles = profilesIn(folder);
    await serve(profiles);
    const { status, body } = await post('heap-snapshot');
    const { path = '' } = body;
    await clock.advance(1_000);
    expect((await post('heap-snapshot')).body.path).toBe(path);
    expect([status, readdirSync(folder)]).toEqual([202, []]);
    profiles.beginDrain();
    let filesOfDrained: readonly string[] | undefined;
    if (app !== undefined) await closeService(app, profiles, () => (filesOfDrained = readdirSync(folder)));
    expect([Service.filesAtEnd, filesOfDrained]).toEqual([[], []]);
    expect([readdirSync(folder).length, statSync(path).mode & 0o777]).toEqual([1, 0o600]);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(HEAP);
  });

  it('is not written unless it was requested', async () => {
    await profilesIn(folder).writeRequestedSnapshot();
    expect(readdirSync(folder)).toEqual([]);
  });
});

function makeWritableByOthers(path: string): void {
  mkdirSync(path);
  chmodSync(path, 0o777);
}

function settingsOf(environment: NodeJS.ProcessEnv): ProfileSettings {
  return loadSettings(z.object(profileSettings), environment);
}

describe('the folder of profiles', () => {
  it('may be any folder of the user', () => {
    expect(settingsOf({ PROFILE_DIR: folder })).toEqual({ PROFILE_DIR: folder });
    expect(settingsOf({})).toEqual({});
  });

  it.each<[string, (path: string) => void, string]>([
    ['is missing', () => undefined, 'which does not exist (docs/configuration.md#profile_dir)'],
    ['is a file', (path) => writeFileSync(path, ''), 'which is no folder'],
    ['may be written to by others', makeWritableByOthers, 'which other users may write to: run `chmod go-w` on it'],
  ])('is rejected when it %s', (_what, prepare, reason) => {
    const path = join(folder, 'inner');
    prepare(path);
    expect(() => settingsOf({ PROFILE_DIR: path })).toThrow(SettingsError);
    expect(() => settingsOf({ PROFILE_DIR: path })).toThrow(reason);
  });
});
