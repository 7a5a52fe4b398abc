import { setTimeout as delay } from 'node:timers/promises';
import type { WriteStage } from '../../../apps/facade/src/stages/capability.js';
import type { FaultWindow, Interval } from '../../../dev/migration-journey/allowed-failures.js';
import type { Clients } from '../../../dev/migration-journey/clients.js';
import { reasonOf } from '../../../dev/migration-journey/facade-requests.js';
import type { Operator, Refused } from '../../../dev/migration-journey/operator.js';
import { untilRecovered } from '../../../dev/migration-journey/recovery.js';
import type { RequestLog } from '../../../dev/migration-journey/request-log.js';
import type { Finding } from '../checks/evidence.js';
import type { History } from '../history.js';
import { COLUMNS, POSITIONS, type Column, type PlannedCell, type PositionName } from './fault-table.js';
import type { Ground, MigrationFault, MigrationFaultKind } from './migration-faults.js';
import type { StoredChecks } from './stored-checks.js';

/** What became of one fault in one column. */
export interface CellResult {
  readonly column: string;
  readonly kind: string;
  readonly subject: string;
  /** From the beginning of the fault to its end. */
  readonly lastedMs: number;
  /** From the end of the fault until everything worked and no intent was open; `null`: not within the limit. */
  readonly recoveredMs: number | null;
  /** Requests of clients from the beginning of the fault to the recovery that were answered, and that failed. */
  readonly answered: number;
  readonly failed: number;
  /** Whether the migration rolled itself back. */
  readonly rolledBack: boolean;
}

/** The result of one journey from `off` to `complete`. */
export interface JourneyResult {
  readonly seed: number;
  readonly journey: number;
  readonly commit: string;
  readonly tookMs: number;
  readonly cells: readonly CellResult[];
  readonly findings: readonly Finding[];
  readonly acknowledged: number;
  readonly readsAnswered: number;
  /** Failed requests that the contract allows, by their code. */
  readonly allowed: Readonly<Record<string, number>>;
  /** Refusals of changes, by code, and how often a change was asked for again. */
  readonly refusals: Readonly<Record<string, number>>;
}

const MOVED_WITHIN_MS = 120_000;
/** A killed app starts in 10 s on two busy cores. */
const RECOVERED_WITHIN_MS = 60_000;
/** At most this much later begins the change in the fault, or a fault of a moment in the change. */
const LATEST_MS = 300;

export interface JourneyParts {
  readonly ground: Ground;
  readonly operator: Operator;
  readonly clients: Clients;
  readonly checks: StoredChecks;
  readonly log: RequestLog;
  readonly history: History;
  readonly kinds: readonly MigrationFaultKind[];
  /** The planned fault of each column; a column without one is left out. */
  readonly plan: readonly (PlannedCell | undefined)[];
  readonly print: (line: string) => void;
  readonly signal: AbortSignal;
}

interface Cell {
  readonly place: number;
  readonly column: Column;
  readonly kind: MigrationFaultKind;
  readonly fault: MigrationFault;
  readonly draw: PlannedCell['draw'];
  readonly readsFirst: boolean;
}

/** Goes from `off` to `complete` through all columns, with a fault in each. */
export class Journey {
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

  constructor(private readonly parts: JourneyParts) {}

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
    const { kinds, plan, signal, ground } = this.parts;
    for (const [place, column] of COLUMNS.entries()) {
      const planned = plan[place];
      const kind = kinds[planned?.kind ?? -1];
      if (signal.aborted) return;
      if (planned === undefined || kind === undefined) continue;
      const { draw } = planned;
      const readsFirst = draw(2) === 0;
      try {
        await this.goTo(column, readsFirst);
        await this.cell({ place, column, kind, fault: kind.make(ground, draw), draw, readsFirst });
      } catch (error) {
        this.problems.push(`${column.name} with ${kind.name}: ${reasonOf(error)}`);
        return;
      }
    }
  }

  private async goTo({ at, to }: Column, readsFirst: boolean): Promise<void> {
    const { checks, history } = this.parts;
    const from = history.now();
    await this.moveTo(at, readsFirst);
    this.moves.push({ from, to: history.now() });
    if (to !== 'complete') return;
    await this.runOverAll('verify', 'equal');
    checks.newOnlyFrom = history.now();
  }

  /** Asks again, any facade, until the migration is at the position. @throws Error if it is not there within two minutes */
  private async moveTo(name: PositionName, readsFirst: boolean): Promise<void> {
    const { operator, log, history } = this.parts;
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
    const { ground, operator, clients, history, checks, print } = this.parts;
    const { column, kind, fault } = cell;
    const before = this.figures();
    const from = history.now();
    await this.faultDuringAction(cell);
    const endedAt = history.now();
    const isRecovered = await untilRecovered(
      {
        facades: ground.apps.facades,
        operator,
        clients,
        areReady: async () => ground.apps.areReady(),
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
      target: kind.target,
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
    const { history } = this.parts;
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
    const { checks, signal } = this.parts;
    if (to !== undefined) await this.moveTo(to, readsFirst);
    if (run !== undefined) await this.runOverAll(run, run === 'verify' ? 'equal' : 'imported');
    if (run === 'backfill') await checks.untilCopied(MOVED_WITHIN_MS, signal);
  }

  private async runOverAll(kind: 'backfill' | 'verify', wanted: string): Promise<void> {
    const { result } = await this.parts.operator.run(kind, MOVED_WITHIN_MS);
    if (result !== wanted) this.problems.push(`a ${kind} over all orders ended with ${result} instead of ${wanted}`);
  }

  private figures() {
    const { log, checks } = this.parts;
    return { answered: log.answeredCount, failed: log.failed.length, rollbacks: checks.knownRollbacks };
  }
}

function describe({ column, kind, subject, lastedMs, recoveredMs, answered, failed, rolledBack }: CellResult): string {
  const after = recoveredMs === null ? 'not recovered' : `recovered after ${recoveredMs} ms`;
  return `${column}: ${kind} (${subject}) for ${lastedMs} ms, ${after}; ${answered} requests answered, ${failed} failed${rolledBack ? '; rolled back' : ''}`;
}
