import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import type { LegacyRecord } from '#legacy/translation/legacy-record.js';
import { migrateAt } from '#service/mongodb/migrate-database.js';
import { currentCommit } from '../../../dev/machine/machine-description.js';
import { History } from '../history/history.js';
import { FileOrderWatch } from './checks/file-order-watch.js';
import { allowedByCode, journeyFindings, type JourneyEvidence } from './checks/journey-findings.js';
import { errorsIn } from './checks/logged-errors.js';
import { LegacyFiles } from './checks/legacy-files.js';
import { StoredChecks } from './checks/stored-checks.js';
import { Clients } from './clients/clients.js';
import { MIGRATION_FAULTS } from './faults/migration-faults.js';
import { MigrationApps } from './ground/migration-apps.js';
import type { MigrationServers } from './ground/migration-servers.js';
import { COLUMNS } from './journey/columns.js';
import { planJourney, type PlannedCell } from './journey/fault-table.js';
import { Journey } from './journey/journey.js';
import type { JourneyResult } from './journey/journey-result.js';
import { StageDriver } from './journey/stage-driver.js';

/** Orders that the legacy system has before the migration begins. */
const POPULATED = 2_000;
/** That of the time zone in which the apps run. */
const OFFSET = '+05:30';
const LAST_CHECK_MS = 30_000;

export interface OneJourneyOptions {
  readonly servers: MigrationServers;
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
  const directory = join(servers.data.path, name);
  const uri = (servers.addresses.MONGODB_URI ?? '').replace('/orders?', `/${name}?`);
  await migrateAt(uri);
  const mongo = new MongoClient(uri);
  const history = new History(join(out, `history-${journey}.jsonl`));
  const apps = await MigrationApps.start({
    servers,
    productDirectory,
    database: name,
    directory,
    print,
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
      readsAnswered: evidence.readsAnswered,
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
  const known = await populate(apps);
  const files = new LegacyFiles(apps.legacyFolder, OFFSET);
  const driver = new StageDriver(apps.facades, () => history.now());
  const early = new Set<string>();
  const clients = new Clients({
    facades: apps.facades,
    history,
    seed: seed + journey,
    // Where the legacy system answers, its files have an order before a client knows of it.
    onAcked: async (order, { number, id }) => {
      const stage = driver.certainWrites(order.begunAt);
      if (stage === undefined || (await files.has(number, id))) return;
      early.add(`legacy: write ${order.serial} of ${order.accountId} was acknowledged in ${stage} before it was there`);
    },
  });
  const checks = new StoredChecks({ files, db: mongo.db(), orders: clients.orders, offset: OFFSET });
  const watch = new FileOrderWatch(files, clients.orders);
  const table = planJourney(seed, journey - 1, MIGRATION_FAULTS.length, COLUMNS.length);
  const plan = only === undefined ? table : table.map((cell, at) => chosenCell(only, cell, at));
  const ground = { apps, servers };
  const made = new Journey({ ground, driver, clients, checks, history, kinds: MIGRATION_FAULTS, plan, print, signal });
  watch.begin();
  clients.begin(known);
  await made.run();
  await clients.end();
  await watch.end();
  await lastCheck(checks, made.problems);
  const evidence = {
    history,
    windows: made.windows,
    moves: made.moves,
    cells: made.cells,
    stageProblems: [...made.problems, ...driver.problems],
    storedProblems: [...early, ...checks.problems],
    comparisons: checks.comparisons,
    acknowledged: clients.orders.all.filter(({ acked }) => acked !== undefined).length,
    sentOrders: checks.sentOrders,
    orderProblems: [...watch.problems, ...checks.orderProblems],
    fileStates: watch.states,
    readsAnswered: clients.answered.read,
    mismatches: await checks.mismatches(Date.now() - history.now()),
  };
  return { evidence, refusals: Object.fromEntries(driver.refusals) };
}

/** @throws RangeError for an unknown kind */
function chosenCell(only: ReadonlyMap<string, string>, cell: PlannedCell, at: number): PlannedCell | undefined {
  const name = only.get(COLUMNS[at]?.name ?? '');
  if (name === undefined) return undefined;
  const kind = MIGRATION_FAULTS.findIndex((each) => each.name === name);
  if (kind < 0) throw new RangeError(`unknown kind of fault: ${name}`);
  return { ...cell, kind };
}

/** Gives the legacy system orders of before the migration. @returns some of them */
async function populate({ facades: [facade] }: MigrationApps): Promise<readonly LegacyRecord[]> {
  const url = facade?.url ?? '';
  const populated = await fetch(`${url}/populate?count=${POPULATED}`, { method: 'POST' });
  if (populated.status !== 201) throw new Error(`populate: status ${populated.status} ${await populated.text()}`);
  const range = await fetch(`${url}/orders/range?start=990&end=1010`);
  return (await range.json()) as readonly LegacyRecord[];
}

/** Also after a journey that ended early: what was acknowledged must be there. */
async function lastCheck(checks: StoredChecks, problems: string[]): Promise<void> {
  const deadline = performance.now() + LAST_CHECK_MS;
  while (performance.now() < deadline) if ((await checks.openIntents().catch(() => 1)) === 0) return checks.compare();
  problems.push(`intents are still open after ${LAST_CHECK_MS / 1_000} s`);
}
