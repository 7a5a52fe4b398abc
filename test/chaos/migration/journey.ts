import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { MongoClient } from 'mongodb';
import { migrateAt } from '#service/mongodb/migrate-database.js';
import type { WriteStage } from '../../../apps/facade/src/stages/stages.js';
import { currentCommit } from '../../../dev/machine/machine.js';
import { type FaultWindow, type Interval, RequestLog } from '../../../dev/migration-journey/request-log.js';
import { Clients, reasonOf } from '../../../dev/migration-journey/clients.js';
import { oneOf, LegacyFiles, CLIENT_ACCOUNTS } from '../../../dev/migration-journey/stored-orders.js';
import { Operator, type Refused, untilRecovered } from '../../../dev/migration-journey/operator.js';
import { PROJECT_DIRECTORY } from '../../../dev/project-directory.js';
import type { TemporaryStack } from '../../../dev/supervisor/temporary-stack.js';
import { drawsAt, History, holdsWithin } from '../history.js';
import {
  allowedByCode,
  journeyFindings,
  type CellResult,
  type JourneyEvidence,
  type JourneyResult,
} from './journey-findings.js';
import {
  MigrationApps,
  COLUMNS,
  MIGRATION_FAULTS,
  planJourney,
  POSITIONS,
  type Column,
  type MigrationFault,
  type PlannedFault,
  type PositionName,
} from './migration-faults.js';
import { errorsIn, FileOrderWatch, StoredChecks } from './stored-checks.js';

/** Orders that the legacy system has before the migration begins. */
const POPULATED = 2_000;
const CLIENTS = 6;
const ACCOUNTS_EACH = 2;
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
const MOVED_WITHIN_MS = 120_000;
/** A killed app starts in 10 s on two busy cores. */
const RECOVERED_WITHIN_MS = 60_000;
/** At most this much later begins the change in the fault, or a fault of a moment in the change. */
const LATEST_MS = 300;

interface JourneyDependencies {
  readonly apps: MigrationApps;
  readonly operator: Operator;
  readonly clients: Clients;
  readonly checks: StoredChecks;
  readonly log: RequestLog;
  readonly history: History;
  /** The fault of each column, by the column's name; a column without one is left out. */
  readonly plan: ReadonlyMap<string, PlannedFault>;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

interface Cell extends PlannedFault {
  readonly place: number;
  readonly column: Column;
  readonly fault: MigrationFault;
  readonly readsFirst: boolean;
}

/** Goes from `off` to `complete` through all columns, with a fault in each. */
class Journey {
  readonly cells: CellResult[] = [];
  readonly windows: FaultWindow[] = [];
  /** Changes of stage between the faults. */
  readonly moves: Interval[] = [];
  /** Why it could not go on, or a run over all orders found something. */
  readonly problems: string[] = [];
  /** Refusals of changes, by code. */
  readonly refusals = new Map<string, number>();
  private moving = 0;
  private writes: { readonly stage: WriteStage; readonly since: number } = { stage: 'off', since: 0 };

  constructor(private readonly dependencies: JourneyDependencies) {}

  /**
   * Returns the stage of all writes that were first sent since a time, if the legacy system answers them for certain: no change is under way,
   * and no automatic rollback can be.
   */
  certainWrites(sentAt: number): 'off' | 'dualwrite' | undefined {
    const { stage, since } = this.writes;
    if (this.moving > 0 || sentAt < since) return undefined;
    return stage === 'off' || stage === 'dualwrite' ? stage : undefined;
  }

  /** Ends early when the migration does not come to a stage, or does not recover. */
  async run(): Promise<void> {
    const { plan, signal, apps } = this.dependencies;
    for (const [place, column] of COLUMNS.entries()) {
      const planned = plan.get(column.name);
      if (signal.aborted) return;
      if (planned === undefined) continue;
      const { kind, draw } = planned;
      const readsFirst = draw(2) === 0;
      try {
        await this.goTo(column, readsFirst);
        await this.cell({ place, column, kind, draw, fault: kind.make(apps, draw), readsFirst });
      } catch (error) {
        this.problems.push(`${column.name} with ${kind.name}: ${reasonOf(error)}`);
        return;
      }
    }
  }

  private async goTo({ at, to }: Column, readsFirst: boolean): Promise<void> {
    const { checks, history } = this.dependencies;
    const from = history.now();
    await this.moveTo(at, readsFirst);
    this.moves.push({ from, to: history.now() });
    if (to !== 'complete') return;
    await this.runOverAll('verify', 'equal');
    checks.targetOnlyFrom = history.now();
  }

  /** Asks again, any facade, until the migration is at the position. @throws Error if it is not there within two minutes */
  private async moveTo(name: PositionName, readsFirst: boolean): Promise<void> {
    const { operator, log, history } = this.dependencies;
    const onRefused = async (refused: Refused): Promise<void> => {
      this.refusals.set(refused.code, (this.refusals.get(refused.code) ?? 0) + 1);
      const isUnverified = refused.gate.some(({ condition, holds }) => condition === 'verify' && !holds);
      if (isUnverified) await operator.run('verify', MOVED_WITHIN_MS).catch(reasonOf);
    };
    this.moving += 1;
    try {
      await operator.moveTo(POSITIONS[name], {
        readsFirst,
        withinMs: MOVED_WITHIN_MS,
        reason: `to ${name}`,
        onMoved: (step) => log.moved(step),
        onRefused: async (_, refused) => onRefused(refused),
      });
      const { stage } = POSITIONS[name].writes;
      if (stage !== this.writes.stage) this.writes = { stage, since: history.now() };
    } finally {
      this.moving -= 1;
    }
  }

  private async cell(cell: Cell): Promise<void> {
    const { apps, operator, clients, history, checks, print } = this.dependencies;
    const { column, kind, fault } = cell;
    const before = this.figures();
    const from = history.now();
    await this.faultDuringAction(cell);
    const endedAt = history.now();
    const isRecovered = await untilRecovered(
      {
        facades: apps.facades,
        operator,
        clients,
        areReady: async () => apps.areReady(),
        openIntents: async () => checks.openIntents(),
      },
      RECOVERED_WITHIN_MS,
    );
    const to = history.now();
    const { facade } = fault;
    const at = POSITIONS[column.at];
    this.windows.push({
      positions: column.to === undefined ? [at] : [at, POSITIONS[column.to]],
      kind: kind.name,
      affects: kind.affects,
      from,
      to,
      ...(facade !== undefined && { facade }),
    });
    await checks.compare();
    clients.resume();
    const after = this.figures();
    const result: CellResult = {
      column: column.name,
      kind: kind.name,
      subject: fault.subject,
      lastedMs: endedAt - from,
      recoveredMs: isRecovered ? to - endedAt : null,
      answered: after.answered - before.answered,
      failed: after.failed - before.failed,
      rolledBack: (await checks.rollbacks()) > before.rollbacks,
    };
    this.cells.push(result);
    print(describe(result));
    if (!isRecovered) throw new Error(`no recovery within ${RECOVERED_WITHIN_MS / 1_000} s`);
  }

  /** Runs the fault, and what belongs into the column meanwhile. Resolves when both have ended. */
  private async faultDuringAction({ place, column, kind, fault, draw, readsFirst }: Cell): Promise<void> {
    const { history } = this.dependencies;
    const mark = { place, kind: kind.name, subject: fault.subject };
    const gapMs = draw(LATEST_MS);
    const [least, most] = kind.lastsMs;
    const lastsMs = least + draw(most - least + 1);
    const isFirst = kind.isInstant !== true;
    const inject = async (): Promise<void> => {
      if (!isFirst) await delay(gapMs);
      history.add({ type: 'fault-begins', ...mark });
      await fault.begin();
      await delay(lastsMs);
      await fault.end();
      history.add({ type: 'fault-ends', ...mark });
    };
    const act = async (): Promise<void> => {
      if (isFirst) await delay(gapMs);
      await this.act(column, readsFirst);
    };
    const [injected, acted] = await Promise.allSettled([inject(), act()]);
    for (const ending of [injected, acted]) if (ending.status === 'rejected') throw ending.reason;
  }

  private async act({ to, run }: Column, readsFirst: boolean): Promise<void> {
    const { checks, signal } = this.dependencies;
    if (to !== undefined) await this.moveTo(to, readsFirst);
    if (run !== undefined) await this.runOverAll(run, run === 'verify' ? 'equal' : 'imported');
    if (run === 'backfill') await checks.untilCopied(MOVED_WITHIN_MS, signal);
  }

  private async runOverAll(kind: 'backfill' | 'verify', expected: string): Promise<void> {
    const { result } = await this.dependencies.operator.run(kind, MOVED_WITHIN_MS);
    if (result !== expected)
      this.problems.push(`a ${kind} over all orders ended with ${result} instead of ${expected}`);
  }

  private figures() {
    const { log, checks } = this.dependencies;
    return { answered: log.answeredCount, failed: log.failed.length, rollbacks: checks.knownRollbacks };
  }
}

function describe({ column, kind, subject, lastedMs, recoveredMs, answered, failed, rolledBack }: CellResult): string {
  const after = recoveredMs === null ? 'not recovered' : `recovered after ${recoveredMs} ms`;
  return `${column}: ${kind} (${subject}) for ${lastedMs} ms, ${after}; ${answered} requests answered, ${failed} failed${rolledBack ? '; rolled back' : ''}`;
}

export interface OneJourneyOptions {
  readonly servers: TemporaryStack;
  readonly seed: number;
  /** From 1. */
  readonly journey: number;
  /** Folder of the history. */
  readonly out: string;
  /** Folder of the compiled product. Default: that of this project. */
  readonly productDirectory?: string;
  /** Kinds of faults by column, the only ones that are injected; default: those of the journey in the table of the seed. */
  readonly only?: ReadonlyMap<string, string>;
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

/** Makes one journey with apps, a database and a legacy system of its own. Leaves none of its apps running. */
export async function oneJourney(options: OneJourneyOptions): Promise<JourneyResult> {
  const { servers, seed, journey, out, productDirectory = join(PROJECT_DIRECTORY, 'dist'), print } = options;
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

async function travel({ apps, history, mongo, seed, journey, only, print, signal }: Travel) {
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
  const draws = Array.from({ length: CLIENTS }, (_, client) => drawsAt(seed + journey, client));
  const failures: unknown[] = [];
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
    onFailure: (error) => void failures.push(error),
  });
  const checks = new StoredChecks(files, mongo.db(), clients);
  const watch = new FileOrderWatch(files, clients.orders);
  const plan = planJourney(seed, journey);
  if (only !== undefined) choose(plan, only);
  const made = new Journey({ apps, operator, clients, checks, log, history, plan, print, signal });
  watch.begin();
  clients.begin();
  await made.run();
  clients.resume();
  await clients.end();
  await watch.end();
  await lastCheck(checks, made.problems);
  const { windows, moves, cells } = made;
  const { comparisons, sentOrders } = checks;
  const evidence = {
    log,
    windows,
    moves,
    cells,
    comparisons,
    sentOrders,
    stageProblems: [...made.problems, ...operator.problems, ...failures.map(String)],
    storedProblems: [...early, ...checks.problems],
    acknowledged: clients.orders.acknowledged.length,
    orderProblems: [...watch.problems, ...checks.orderProblems],
    fileStates: watch.states,
    mismatches: await checks.mismatches(Date.now() - history.now()),
  };
  return { evidence, refusals: Object.fromEntries(made.refusals) };
}

/** Leaves only some columns, with other kinds of faults. @throws RangeError for an unknown kind */
function choose(plan: Map<string, PlannedFault>, kinds: ReadonlyMap<string, string>): void {
  for (const [column, { draw }] of plan) {
    const name = kinds.get(column);
    const kind = MIGRATION_FAULTS.find((each) => each.name === name);
    if (kind !== undefined) plan.set(column, { kind, draw });
    else if (name === undefined) plan.delete(column);
    else throw new RangeError(`unknown kind of fault: ${name}`);
  }
}

/** Gives the legacy system orders of before the migration. */
async function populate({ facades: [facade] }: MigrationApps): Promise<void> {
  const populated = await fetch(`${facade?.url}/populate?count=${POPULATED}`, { method: 'POST' });
  if (populated.status !== 201) throw new Error(`populate: status ${populated.status} ${await populated.text()}`);
}

/** Also after a journey that ended early: what was acknowledged must be there. */
async function lastCheck(checks: StoredChecks, problems: string[]): Promise<void> {
  const isFinal = async (): Promise<boolean> => (await checks.openIntents().catch(() => 1)) === 0;
  if (await holdsWithin(LAST_CHECK_MS, isFinal)) await checks.compare();
  else problems.push(`intents are still open after ${LAST_CHECK_MS / 1_000} s`);
}
