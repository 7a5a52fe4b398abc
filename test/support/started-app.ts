import { spawn, type ChildProcess, execFile } from 'node:child_process';
import { once } from 'node:events';
import { isDeepStrictEqual } from 'node:util';
import { join } from 'node:path';
import { freePort } from '../../dev/machine/ports.js';
import { PROJECT_DIRECTORY } from '../../dev/project-directory.js';
import type { MigrationResponse } from '../../apps/facade/src/migration/migration-api.js';
import { eventually } from './eventually.js';
import type { ReconcileReport } from '#reconcile/report.js';
import { IS_SECURED } from './secured-mode.js';
import { type TestedStack, followPages } from './tested-stack.js';
import { writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { producerDefinition } from '../../dev/supervisor/app-definitions.js';
import type { App } from '../../dev/supervisor/apps.js';
import { allEnded } from './running-stack.js';
import type { TestSystem } from './test-system.js';
import { Long, MongoClient } from 'mongodb';
import { toDocument, ordersCollection } from '#orders/order/order-document.js';
import { reserveNumbers } from '#orders/numbering/number-blocks.js';
import type { OrderResponse } from '#orders/order/order-response.js';
import type { Order } from '#orders/order/order.js';
import { migrateDatabase } from '#service/mongodb/migrate-database.js';
import { emptyServers } from './own-servers.js';

/** The reports of a service that is not ready, or an empty object. */
interface Readiness {
  readonly status: number;
  readonly checks: Readonly<
    Record<string, { readonly status: string; readonly reason?: string; readonly since?: string }>
  >;
}

/** What a client sees of an answer. */
interface Answer<T = unknown> {
  readonly status: number;
  readonly type: string | null;
  readonly retryAfter: string | null;
  readonly text: string;
  /** The parsed text; `undefined` if it is no JSON. */
  readonly body: T;
}

/** Where an app is started from. */
interface AppPlace {
  /** The folder of the project whose compiled dist/ is used. Default: this one. */
  readonly directory?: string;
  /** Default: any free port. */
  readonly port?: number;
}

/** One app of dist/, which must be compiled, as a process of its own. */
export class StartedApp {
  private text = '';
  private readonly ended: Promise<unknown[]>;

  protected constructor(
    private readonly child: ChildProcess,
    readonly url: string,
  ) {
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (this.text += String(chunk)));
    this.ended = once(child, 'exit');
  }

  /** Starts it on a port that is known, and does not wait until it listens. */
  static async start(app: string, env: NodeJS.ProcessEnv, place: AppPlace = {}): Promise<StartedApp> {
    const { directory = PROJECT_DIRECTORY, port = await freePort() } = place;
    const own = { PATH: process.env['PATH'], PORT: String(port), DRAIN_GRACE_SECONDS: '0', ...env };
    return new StartedApp(spawnApp(app, own, directory), `http://127.0.0.1:${port}`);
  }

  /** Returns the parsed log lines so far. */
  get log(): readonly Record<string, unknown>[] {
    const lines = this.text.split('\n').slice(0, -1);
    return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  /** Requests its readiness; status 0 while nothing listens. */
  async readiness(): Promise<Readiness> {
    const response = await fetch(`${this.url}/health/ready`).catch(() => undefined);
    if (response === undefined) return { status: 0, checks: {} };
    const { checks = {} } = (await response.json()) as Partial<Readiness>;
    return { status: response.status, checks };
  }

  /** Waits until the reason of a readiness check matches, and returns it. */
  async reasonOf(check: string, line: RegExp): Promise<string> {
    let reason = '';
    await eventually(`${check} is down because of ${line}`, async () => {
      reason = (await this.readiness()).checks[check]?.reason ?? '';
      return line.test(reason) || { reason };
    });
    return reason;
  }

  async get<T>(path: string): Promise<Answer<T>> {
    return this.request(path, {});
  }

  /** @param body JSON as a text or as its value */
  async post<T>(path: string, body?: object | string): Promise<Answer<T>> {
    const text = typeof body === 'string' ? body : JSON.stringify(body);
    const json = { headers: { 'content-type': 'application/json' }, body: text };
    return this.request(path, { method: 'POST', ...(body !== undefined && json) });
  }

  signal(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Returns its exit code; `null` if a signal has ended it. */
  async exitCode(): Promise<number | null> {
    const [code] = await this.ended;
    return code as number | null;
  }

  /** Ends it by a signal. @returns its exit code; `null` if the signal ended it */
  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    this.signal(signal);
    return this.exitCode();
  }

  /** Ends it in any state. */
  async kill(): Promise<void> {
    await this.end('SIGKILL');
  }

  private async request<T>(path: string, init: RequestInit): Promise<Answer<T>> {
    const response = await fetch(`${this.url}${path}`, init);
    const type = response.headers.get('content-type');
    const retryAfter = response.headers.get('retry-after');
    const text = await response.text();
    return { status: response.status, type, retryAfter, text, body: valueOf(text) as T };
  }
}

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function spawnApp(app: string, env: NodeJS.ProcessEnv, directory = PROJECT_DIRECTORY, ...more: readonly 'ipc'[]) {
  const script = join(directory, `dist/apps/${app}/src/main.js`);
  return spawn(process.execPath, [script], { env, stdio: ['ignore', 'pipe', 'pipe', ...more] });
}

/** Starts an app on a free port, and waits until it listens. @throws with its output if it ends before */
async function listening(app: string, env: NodeJS.ProcessEnv): Promise<[child: ChildProcess, url: string]> {
  const own = { ...process.env, PORT: '0', LOG_LEVEL: 'error', ...env };
  const child = spawnApp(app, own, PROJECT_DIRECTORY, 'ipc');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (output += String(chunk)));
  const early = once(child, 'exit').then(([code]) => {
    throw new Error(`the app ${app} ended with ${code}:\n${output}`);
  });
  const [message] = await Promise.race([once(child, 'message'), early]);
  early.catch(() => undefined);
  return [child, (message as { readonly url: string }).url];
}

/** The legacy system alone. */
export class RunningLegacy extends StartedApp {
  /** Resolves when it listens. */
  static override async start(folder: string, env: NodeJS.ProcessEnv = {}): Promise<RunningLegacy> {
    return new RunningLegacy(...(await listening('legacy', { LEGACY_DATA_DIR: folder, ...env })));
  }
}

/** One facade instance. */
export class RunningFacade extends StartedApp {
  /** Resolves when it listens. */
  static override async start(name: string, env: NodeJS.ProcessEnv): Promise<RunningFacade> {
    return new RunningFacade(...(await listening('facade', { FACADE_INSTANCE: name, ...env })));
  }

  /** Moves a capability. */
  async move(capability: string, stage: string, more: object = {}): Promise<Answer<MigrationResponse>> {
    return this.post(`/v1/migration/${capability}`, { stage, reason: 'test', ...more });
  }

  /** @throws Error if it does not answer with 200 */
  async state(): Promise<MigrationResponse> {
    const { status, text, body } = await this.get<MigrationResponse>('/v1/migration');
    if (status !== 200) throw new Error(text);
    return body;
  }
}

/** The environment of an app whose limits must not end it on a busy machine. One of a spec about such a limit does without. */
export const PATIENT: NodeJS.ProcessEnv = { TEST_TIME_LIMIT_SCALE: '30' };

/** How an app ended. */
export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs an app of dist/, such as `admin`, until it ends. @param env its environment besides the PATH */
export async function runApp(app: string, env: NodeJS.ProcessEnv, ...args: string[]): Promise<Run> {
  return startApp(app, env, ...args).ended;
}

/** As `runApp`, for an app that the spec ends. */
export function startApp(
  app: string,
  env: NodeJS.ProcessEnv,
  ...args: string[]
): { readonly process: ChildProcess; readonly ended: Promise<Run> } {
  const script = join(PROJECT_DIRECTORY, `dist/apps/${app}/src/main.js`);
  const options = { env: { PATH: process.env['PATH'], ...env }, maxBuffer: 2 ** 26 };
  const { promise: ended, resolve } = Promise.withResolvers<Run>();
  const child = execFile(process.execPath, [script, ...args], options, (error, stdout, stderr) => {
    resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
  });
  return { process: child, ended };
}

/** Reads a document so that it can be put back as it was: the driver makes a number of each Long, and would write an Int32. */
export const EXACT_TYPES = { promoteValues: false };

/** Runs `npm run reconcile`, without npm. */
export async function runReconcile(stack: TestedStack, ...args: string[]): Promise<Run> {
  const open = { ...stack.given, MONGODB_URI: stack.mongodbUri, KAFKA_BROKERS: stack.brokers };
  const env = { ...process.env, ...(IS_SECURED ? stack.credentials.settings('reconcile') : open) };
  return runApp('admin', env, 'reconcile', ...args);
}

/** The report of reconcile, and its exit code. */
type Reconciled = ReconcileReport & { readonly code: number };

/** Runs reconcile and parses its JSON report. */
export async function reconciled(stack: TestedStack, id: string): Promise<Reconciled> {
  const { code, stdout, stderr } = await runReconcile(stack, id, '--json');
  if (stdout === '') throw new Error(`reconcile ended with ${code}: ${stderr}`);
  return { ...(JSON.parse(stdout) as ReconcileReport), code };
}

/** As `reconciled`, once no record is on its way, and all faults are found: their dead letters and offsets are stored after the orders. */
export async function judged(stack: TestedStack, id: string): Promise<Reconciled> {
  const reports: Reconciled[] = [];
  await eventually(`reconcile has a verdict on ${id}`, async () => {
    const report = await reconciled(stack, id);
    reports.push(report);
    return (report.verdict !== 'pending' && isDeepStrictEqual(report.faults?.found, report.faults?.expected)) || report;
  });
  return reports.at(-1) as Reconciled;
}

const SHIFTED_CLOCK = pathToFileURL(join(PROJECT_DIRECTORY, 'test/chaos/cluster/shifted-clock.ts')).href;

/** One more producer of a system, whose wall clock can be wrong. */
export class ExtraProducer {
  private constructor(
    private readonly system: TestSystem,
    private readonly app: App,
    private readonly clockFile: string,
  ) {}

  /** Resolves when it is ready. @param clockShiftMs the error of its wall clock, in ms */
  static async start(system: TestSystem, clockShiftMs = 0): Promise<ExtraProducer> {
    const { apps, context, dataDirectory } = system;
    const n = apps.all.filter(({ job }) => job === 'producer').length + 1;
    const clockFile = join(dataDirectory, `producer-${n}.clock`);
    await writeFile(clockFile, String(clockShiftMs));
    const clock = { NODE_OPTIONS: `--import ${SHIFTED_CLOCK}`, CLOCK_SHIFT_FILE: clockFile };
    const app = apps.make(producerDefinition({ ...context, env: { ...context.env, ...clock } }, n));
    await app.start();
    return new ExtraProducer(system, app, clockFile);
  }

  get url(): string {
    return this.app.url ?? '';
  }

  /** Suspends the process until it is killed. */
  pause(): void {
    this.system.apps.pause(this.app.name);
  }

  /** Sets its wall clock while it runs. @param byMs the error, in ms */
  async setClock(byMs: number): Promise<void> {
    await writeFile(this.clockFile, String(byMs));
  }

  /** Kills it for good. Resolves when the process has ended. */
  async kill(): Promise<void> {
    const process = this.system.processes().filter(({ name }) => name === this.app.name);
    this.app.kill();
    await allEnded(process);
  }
}

/** A query API alone, with a database of its own: nothing else writes orders. */
export class RunningQueryApi extends StartedApp {
  private constructor(
    app: Awaited<ReturnType<typeof listening>>,
    readonly mongodbUri: string,
  ) {
    super(...app);
  }

  /** Saves the orders, which are numbered from 1 without gaps, and starts a query API that has them. */
  static async withOrders(orders: readonly Order[]): Promise<RunningQueryApi> {
    const mongodbUri = (await emptyServers())?.MONGODB_URI;
    if (mongodbUri === undefined) throw new Error('this project has no shared servers');
    const client = new MongoClient(mongodbUri);
    const db = client.db();
    await migrateDatabase(db);
    const ingest = { operationId: null, partition: 0, offset: Long.ONE, attempts: 1, savedAt: new Date() };
    await ordersCollection(db).insertMany(
      orders.map((order) => toDocument(order, ingest)),
      { writeConcern: { w: 'majority' } },
    );
    await client.withSession(async (session) => reserveNumbers(db, orders.length, session));
    await client.close();
    return new RunningQueryApi(await listening('query-api', { MONGODB_URI: mongodbUri }), mongodbUri);
  }

  async walk(path: string, link?: 'next' | 'prev'): Promise<OrderResponse[][]> {
    return followPages(this.url, path, link);
  }
}
