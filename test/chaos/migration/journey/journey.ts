import { setTimeout as delay } from 'node:timers/promises';
import type { History } from '../../history/history.js';
import { reasonOf } from '../../load/api-response.js';
import type { FaultWindow, Interval } from '../checks/allowed-failures.js';
import type { StoredChecks } from '../checks/stored-checks.js';
import type { Clients } from '../clients/clients.js';
import type { Ground, MigrationFault, MigrationFaultKind } from '../faults/migration-fault.js';
import { COLUMNS, type Column } from './columns.js';
import type { PlannedCell } from './fault-table.js';
import type { CellResult } from './journey-result.js';
import { untilRecovered } from './recovery.js';
import type { StageDriver } from './stage-driver.js';

const MOVED_WITHIN_MS = 120_000;
/** A killed app starts in 10 s on two busy cores. */
const RECOVERED_WITHIN_MS = 60_000;
/** At most this much later begins the change in the fault, or a fault of a moment in the change. */
const LATEST_MS = 300;

export interface JourneyParts {
  readonly ground: Ground;
  readonly driver: StageDriver;
  readonly clients: Clients;
  readonly checks: StoredChecks;
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

  constructor(private readonly parts: JourneyParts) {}

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
    const { driver, checks, history } = this.parts;
    const from = history.now();
    await driver.moveTo(at, readsFirst, MOVED_WITHIN_MS);
    this.moves.push({ from, to: history.now() });
    if (to !== 'complete') return;
    this.expectResult('equal', await driver.run('verify', MOVED_WITHIN_MS));
    checks.newOnlyFrom = history.now();
  }

  private async cell(cell: Cell): Promise<void> {
    const { clients, history, checks, print } = this.parts;
    const { column, kind, fault } = cell;
    const before = this.figures();
    const from = history.now();
    await this.faultDuringAction(cell);
    const endedAt = history.now();
    const isRecovered = await untilRecovered(this.parts, RECOVERED_WITHIN_MS);
    const to = history.now();
    const { facade } = fault;
    this.windows.push({
      column,
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
    const { driver, checks } = this.parts;
    if (to !== undefined) await driver.moveTo(to, readsFirst, MOVED_WITHIN_MS);
    if (run === undefined) return;
    const result = await driver.run(run, MOVED_WITHIN_MS);
    this.expectResult(run === 'verify' ? 'equal' : 'imported', result);
    if (run === 'backfill') await checks.untilCopied(MOVED_WITHIN_MS);
  }

  private expectResult(wanted: string, result: string): void {
    if (result !== wanted) this.problems.push(`a run over all orders ended with ${result} instead of ${wanted}`);
  }

  private figures() {
    const { clients, history, checks } = this.parts;
    const { read, write } = clients.answered;
    return {
      answered: read + write,
      failed: history.of('facade-failure').length,
      rollbacks: checks.knownRollbacks,
    };
  }
}

function describe({ column, kind, subject, lastedMs, recoveredMs, answered, failed, rolledBack }: CellResult): string {
  const after = recoveredMs === null ? 'not recovered' : `recovered after ${recoveredMs} ms`;
  return `${column}: ${kind} (${subject}) for ${lastedMs} ms, ${after}; ${answered} requests answered, ${failed} failed${rolledBack ? '; rolled back' : ''}`;
}
