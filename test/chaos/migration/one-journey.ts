import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { createDraws } from '#orders/generator/draws.js';
import { migrateAt } from '#service/mongodb/migrate-database.js';
import { currentCommit } from '../../../dev/machine/machine-description.js';
import { Clients } from '../../../dev/migration-journey/clients.js';
import { oneOf, type Draw } from '../../../dev/migration-journey/draw.js';
import { Operator } from '../../../dev/migration-journey/operator.js';
import { RequestLog } from '../../../dev/migration-journey/request-log.js';
import { LegacyFiles } from '../../../dev/migration-journey/stored-order.js';
import { CLIENT_ACCOUNTS } from '../../../dev/migration-journey/written-orders.js';
import { History } from '../history.js';
import { COLUMNS, planJourney, type PlannedCell } from './fault-table.js';
import { MigrationApps } from './migration-apps.js';
import type { TemporaryStack } from '../../../dev/supervisor/temporary-stack.js';
import { allowedByCode, journeyFindings, type JourneyEvidence } from './journey-findings.js';
import { Journey, type JourneyResult } from './journey.js';
import { errorsIn } from './logged-errors.js';
import { MIGRATION_FAULTS } from './migration-faults.js';
import { FileOrderWatch, StoredChecks } from './stored-checks.js';

/** Orders that the legacy system has before the migration begins. */
const POPULATED = 2_000;
const CLIENTS = 6;
const ACCOUNTS_EACH = 2;
/** Each client draws from a sequence of its own. */
const CLIENT = 1;
const BEHAVIOUR = {
  accounts: Array.from({ length: CLIENTS }, (_, client) =>
    Array.from({ length: ACCOUNTS_EACH }, (__, account) => `${CLIENT_ACCOUNTS}${client}-${account}`),
  ),
  rate: 50,
  mix: { writes: 8, 'read-by-id': 7, 'read-by-page': 1, 'read-by-range': 4 },
  // Longer than all waits of a facade: a request without an answer by then is a facade that hangs.
  timeoutMs: 9_000,
  retryMs: 150,
  withoutIdPercent: 20,
  givesUpPercent: 10,
};
const LAST_CHECK_MS = 30_000;

export interface OneJourneyOptions {
  readonly servers: TemporaryStack;
  readonly seed: number;
  /** From 1. */
  readonly journey: number;
  /** Folder of the history. */
  readonly out: string;
  readonly productDirectory: string;
  /** Kinds of faults by column, the only ones that are injected; default: those of the journey in the table of the seed. */
  readonly only?: ReadonlyMap<string, string>;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Makes one journey with apps, a database and a legacy system of its own. Leaves none of its apps running. */
export async function oneJourney(options: OneJourneyOptions): Promise<JourneyResult> {
  const { servers, seed, journey, out, productDirectory, print } = options;
  const began = performance.now();
  const ended: string[] = [];
  const name = `migration-${journey}`;
  const directory = join(servers.directory, name);
  const uri = servers.addresses.MONGODB_URI.replace('/orders?', `/${name}?`);
  await migrateAt(uri);
  const mongo = new MongoClient(uri);
  const history = new History(join(out, `history-${journey}.jsonl`));
  const apps = await MigrationApps.start({
    servers,
    productDirectory,
    database: name,
    directory,
    onEnded: (what) => {
      print(what);
      ended.push(what);
    },
  });
  try {
    const made = await travel({ ...options, apps, history, mongo });
    await apps.stop();
    const processes = [...ended];
    const loggedErrors = await errorsIn(join(directory, 'logs'));
    const evidence: JourneyEvidence = { ...made.evidence, processes, loggedErrors };
    return {
      seed,
      journey,
      commit: currentCommit(),
      tookMs: Math.round(performance.now() - began),
      cells: evidence.cells,
      findings: journeyFindings(evidence),
      acknowledged: evidence.acknowledged,
      readsAnswered: evidence.log.answeredReads,
      allowed: allowedByCode(evidence),
      refusals: made.refusals,
    };
  } finally {
    await apps.stop();
    await mongo.close();
    await history.close();
  }
}

interface Travel extends OneJourneyOptions {
  readonly apps: MigrationApps;
  readonly history: History;
  readonly mongo: MongoClient;
}

async function travel({ apps, servers, history, mongo, seed, journey, only, print, signal }: Travel) {
  await populate(apps);
  const { facades } = apps;
  const files = new LegacyFiles(apps.legacyFolder);
  const operator = new Operator(facades, signal);
  const log = new RequestLog({
    now: () => history.now(),
    onFailed: (failed) => history.add({ type: 'facade-failure', ...failed }),
    onWrong: (wrong) => history.add({ type: 'wrong-answer', ...wrong }),
  });
  const early = new Set<string>();
  const draws = Array.from({ length: CLIENTS }, (_, client) => drawOf(seed + journey, client));
  const broken: unknown[] = [];
  const clients = new Clients({
    ...BEHAVIOUR,
    old: await files.all(),
    log,
    drawOf: (client) => draws[client] ?? oneOf(draws, () => 0),
    routeOf: (client) => ({ next: () => [oneOf(facades, draws[client] ?? (() => 0))] }),
    // Where the legacy system answers, its files have an order before a client knows of it.
    onAcked: async ({ serial, accountId, begunAt }, stored) => {
      const stage = made.certainWrites(begunAt);
      if (stage === undefined || (await files.has(stored))) return;
      early.add(`legacy: write ${serial} of ${accountId} was acknowledged in ${stage} before it was there`);
    },
    onFailure: (error) => void broken.push(error),
  });
  const checks = new StoredChecks(files, mongo.db(), clients);
  const watch = new FileOrderWatch(files, clients.orders);
  const table = planJourney(seed, journey - 1, MIGRATION_FAULTS.length, COLUMNS.length);
  const plan = only === undefined ? table : table.map((cell, at) => chosenCell(only, cell, at));
  const parts = { operator, clients, checks, log, history, kinds: MIGRATION_FAULTS, plan, print, signal };
  const made = new Journey({ ...parts, ground: { apps, servers } });
  watch.begin();
  clients.begin();
  await made.run();
  clients.resume();
  await clients.end();
  await watch.end();
  await lastCheck(checks, made.problems);
  const evidence = {
    log,
    windows: made.windows,
    moves: made.moves,
    cells: made.cells,
    stageProblems: [...made.problems, ...operator.problems, ...broken.map(String)],
    storedProblems: [...early, ...checks.problems],
    comparisons: checks.comparisons,
    acknowledged: clients.orders.acknowledged.length,
    sentOrders: checks.sentOrders,
    orderProblems: [...watch.problems, ...checks.orderProblems],
    fileStates: watch.states,
    mismatches: await checks.mismatches(Date.now() - history.now()),
  };
  return { evidence, refusals: Object.fromEntries(made.refusals) };
}

function drawOf(seed: number, client: number): Draw {
  const draws = createDraws(seed);
  let drawn = 0;
  return (below) => draws(CLIENT + client, drawn++, below);
}

/** @throws RangeError for an unknown kind */
function chosenCell(only: ReadonlyMap<string, string>, cell: PlannedCell, at: number): PlannedCell | undefined {
  const name = only.get(COLUMNS[at]?.name ?? '');
  if (name === undefined) return undefined;
  const kind = MIGRATION_FAULTS.findIndex((each) => each.name === name);
  if (kind < 0) throw new RangeError(`unknown kind of fault: ${name}`);
  return { ...cell, kind };
}

/** Gives the legacy system orders of before the migration. */
async function populate({ facades: [facade] }: MigrationApps): Promise<void> {
  const populated = await fetch(`${facade?.url}/populate?count=${POPULATED}`, { method: 'POST' });
  if (populated.status !== 201) throw new Error(`populate: status ${populated.status} ${await populated.text()}`);
}

/** Also after a journey that ended early: what was acknowledged must be there. */
async function lastCheck(checks: StoredChecks, problems: string[]): Promise<void> {
  const deadline = performance.now() + LAST_CHECK_MS;
  while (performance.now() < deadline) if ((await checks.openIntents().catch(() => 1)) === 0) return checks.compare();
  problems.push(`intents are still open after ${LAST_CHECK_MS / 1_000} s`);
}
