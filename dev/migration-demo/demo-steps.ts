import { setTimeout as delay } from 'node:timers/promises';
import { Long } from 'mongodb';
import type { GateCondition } from '../../apps/facade/src/stages/gate.js';
import type { FaultWindow, RequestLog } from '../migration-journey/request-log.js';
import type { Clients } from '../migration-journey/clients.js';
import {
  type CapabilityState,
  type MigrationRun,
  type Operator,
  type Refused,
  untilRecovered,
} from '../migration-journey/operator.js';
import { positionAt, type Position } from '../migration-journey/position.js';
import { LegacyFiles, openIntents } from '../migration-journey/stored-orders.js';
import { waitUntil } from '../waits.js';
import type { DemoStack } from './demo-stack.js';
import { nameOf, READS, type PlannedStep, type Target } from './plan.js';

/** A gate as it was when a capability passed it, and the durations that the facade had measured of both sides. */
export interface PassedGate extends Pick<CapabilityState, 'p50Ms' | 'p99Ms'> {
  readonly target: Target;
  /** Seconds since the start of the demo. */
  readonly atSeconds: number;
  readonly conditions: readonly GateCondition[];
}

/** How the planted bug was caught. */
export interface CaughtBug {
  readonly capability: string;
  readonly key: string;
  readonly path: string;
  readonly field: string;
  /** The values of both sides as JSON, shortened; `missing` without one. */
  readonly legacy: string;
  readonly new: string;
  /** From the begin of shadow. */
  readonly afterSeconds: number;
  /** The conditions that kept the gate closed. */
  readonly unmet: readonly string[];
}

export interface RolledBack {
  /** Writes that the legacy system did not have when the rollback was requested. */
  readonly openWrites: number;
  /** Acknowledged orders that it did not have once it had caught up. */
  readonly missing: number;
  readonly checked: number;
  readonly secondsToRollBack: number;
  readonly secondsToCatchUp: number;
}

/** A time in which a process that answers, or that writes have to reach, was away. */
export interface AwayTime extends FaultWindow {
  /** What was done, such as `the legacy system was killed`. */
  readonly what: string;
}

/** What steps find out for the report. */
export interface DemoFindings {
  readonly gates: PassedGate[];
  readonly away: AwayTime[];
  caught: CaughtBug | undefined;
  rolledBack: RolledBack | undefined;
  /** When writes became complete, by the clock of the log. */
  completeSince: number;
  /** When reads last went to shadow, in seconds since the start of the demo. */
  shadowSince: number;
}

/** What steps work with. */
export interface DemoContext {
  readonly stack: DemoStack;
  readonly operator: Operator;
  readonly clients: Clients;
  readonly log: RequestLog;
  readonly findings: DemoFindings;
  /** Seconds since the start of the demo. */
  readonly elapsed: () => number;
  readonly signal: AbortSignal;
}

/** A mismatch, as far as the demo shows it. */
interface FoundMismatch {
  readonly capability: string;
  readonly key: string;
  readonly paths: readonly { readonly path: string; readonly legacy?: string; readonly new?: string }[];
}

/** What time alone may change. Any other refusal is a defect of the plan, or of the facade. */
const PASSING: ReadonlySet<string> = new Set([
  'no answer',
  'gate-not-met',
  'instances-missing',
  'not-acknowledged',
  'change-in-progress',
  'version-conflict',
]);
const MOVED_WITHIN_MS = 150_000;
const WITHIN_MS = 60_000;
const RUN_WITHIN_MS = 1_800_000;
/** Enough that several accounts have some. */
const OPEN_WRITES = 20;
/** A whole order is longer. */
const SHOWN_CHARACTERS = 80;
const DIFFERENCES_PER_PAGE = 1_000;
const COUNT = new Intl.NumberFormat('en-US');
const OFF = positionAt('off', 'off');

/** The steps of the demo on a running system. */
export class DemoSteps {
  private position: Position = OFF;

  constructor(private readonly context: DemoContext) {}

  /** Runs a step to its end. @returns what came out, for people @throws Error if the demo can't go on */
  async run(step: PlannedStep): Promise<string> {
    const { context } = this;
    switch (step.do) {
      case 'traffic':
        await delay(step.seconds * 1_000, undefined, { signal: context.signal });
        return `${context.log.total} requests so far`;
      case 'promote':
        return this.promote(step.targets);
      case 'backfill':
        return this.backfill();
      case 'verify':
        return this.verify();
      case 'deploy':
        await context.stack.deployFacade(step.bug);
        return 'both instances run it';
      case 'catch':
        return this.catchBug(step.field);
      case 'switch-off':
        await this.moveTo(OFF, 'demo: a bug was caught', WITHIN_MS);
        return `${step.capabilities.join(', ')} off`;
      case 'remove-wrong-orders':
        return this.removeWrongOrders();
      case 'kill':
        return this.kill(step.what);
      case 'roll-back-with-open-writes':
        return this.rollBackWithOpenWrites();
      case 'stop-traffic':
        await context.clients.end();
        await this.recovered();
        return `${context.clients.orders.acknowledged.length} orders acknowledged, no write is open`;
    }
  }

  /** Moves each target as soon as its gate holds, never by force. @throws Error after 150 s, or if the facade has rolled one back */
  private async promote(targets: readonly Target[]): Promise<string> {
    const { findings, elapsed, log } = this.context;
    let askedAt = 0;
    await this.moveTo(positionWith(this.position, targets), 'demo: the gate holds', MOVED_WITHIN_MS, {
      waitsFor: ({ capability }, { gate, cause }) => {
        if (cause !== undefined) throw new Error(`${capability} was rolled back by the facade: ${cause}`);
        const unmet = gate.filter(({ holds }) => !holds);
        askedAt = log.now();
        return unmet.length > 0 ? unmet.map(({ condition, found }) => `${condition} ${found}`).join(', ') : undefined;
      },
      onMoved: (target, { gate, p50Ms, p99Ms }) => {
        findings.gates.push({ target, atSeconds: elapsed(), conditions: gate, p50Ms, p99Ms });
        if (target.stage === 'shadow') findings.shadowSince = elapsed();
        if (target.capability === 'writes' && target.stage === 'complete') findings.completeSince = askedAt;
      },
    });
    return targets.map(nameOf).join(', ');
  }

  private async moveTo(
    position: Position,
    reason: string,
    withinMs: number,
    hooks: Pick<Parameters<Operator['moveTo']>[1], 'waitsFor' | 'onMoved'> = {},
  ): Promise<void> {
    const { operator, log } = this.context;
    await operator.moveTo(position, {
      ...hooks,
      readsFirst: true,
      withinMs,
      reason,
      onMoved: (step, before) => {
        log.moved(step);
        hooks.onMoved?.(step, before);
      },
      onRefused: (step, { code, detail }: Refused) => {
        if (!PASSING.has(code)) throw new Error(`${nameOf(step)} was refused: ${detail}`);
      },
    });
    this.position = position;
  }

  /** Copies the legacy system's orders, and waits until all are saved. */
  private async backfill(): Promise<string> {
    const { operator } = this.context;
    const { result, translated = 0, operationIds = [], problem } = await operator.run('backfill', RUN_WITHIN_MS);
    if (result !== 'imported') throw new Error(`the backfill ended as ${result}: ${problem}`);
    for (const id of operationIds) await this.untilSaved(id);
    return `${COUNT.format(translated)} orders copied`;
  }

  /** Waits until each order of an import is saved. */
  private async untilSaved(operationId: string): Promise<void> {
    const { stack, signal } = this.context;
    await waitUntil('the imports of the backfill', RUN_WITHIN_MS, signal, async () => {
      const response = await fetch(`${stack.producerUrl}/v1/operations/${operationId}`);
      const { state } = (await response.json()) as { readonly state: { readonly code: string; readonly text: string } };
      if (state.code === 'allSaved' || state.code === 'nothingSent') return true;
      if (IN_PROGRESS.has(state.code)) return undefined;
      throw new Error(`an import of the backfill ended as: ${state.text}`);
    });
  }

  /** Compares all orders. @throws Error unless both sides are equal */
  private async verify(): Promise<string> {
    const { result, orders, differences = 0 } = await this.conclusiveVerify();
    if (result !== 'equal') throw new Error(`verify ended as ${result}, with ${differences} differences`);
    return `${COUNT.format(orders?.legacy ?? 0)} orders on each side are equal`;
  }

  /** A verification that has to wait too long for writes says nothing. */
  private async conclusiveVerify(): Promise<MigrationRun> {
    for (let tries = 1; ; tries += 1) {
      const run = await this.context.operator.run('verify', RUN_WITHIN_MS);
      if (run.result !== 'open' || tries === 3) return run;
    }
  }

  /**
   * Removes what a wrong translation has stored on the new side. It is what a team has to do then: no order ever changes, so that
   * a copy of the right one would be rejected.
   */
  private async removeWrongOrders(): Promise<string> {
    const { operator, stack } = this.context;
    const { id, differences = 0 } = await this.conclusiveVerify();
    const numbers: number[] = [];
    for (let last = DIFFERENCES_PER_PAGE; last === DIFFERENCES_PER_PAGE;) {
      const page = `limit=${DIFFERENCES_PER_PAGE}&skip=${numbers.length}`;
      const path = `/v1/migration/verify/${id}/differences?${page}`;
      const { items } = await operator.get<{ readonly items: readonly { readonly number: number }[] }>(path);
      numbers.push(...items.map(({ number }) => number));
      last = items.length;
    }
    if (numbers.length < differences) throw new Error(`verify lists ${numbers.length} of ${differences} differences`);
    const wrong = { 'legacy.number': { $in: numbers.map((number) => Long.fromNumber(number)) } };
    const { deletedCount } = await stack.mongo.db.collection('orders').deleteMany(wrong);
    return `verify found ${COUNT.format(differences)} orders missing or different; ${COUNT.format(deletedCount)} wrong ones removed`;
  }

  /** Waits for a mismatch in the bug's field, and shows that the gate refuses the next stage. */
  private async catchBug(field: string): Promise<string> {
    const { operator, findings, signal, elapsed } = this.context;
    const { mismatch, path } = await waitUntil(`a mismatch in ${field}`, WITHIN_MS, signal, async () => {
      for (const capability of READS) {
        const query = `/v1/migration/mismatches?capability=${capability}&recheck=differs`;
        for (const found of (await operator.get<{ items: FoundMismatch[] }>(query)).items) {
          const differing = found.paths.find((each) => fieldIn(each.path) === field);
          if (differing !== undefined) return { mismatch: found, path: differing };
        }
      }
      return undefined;
    });
    const afterSeconds = elapsed() - findings.shadowSince;
    const { capability, key } = mismatch;
    const [legacy, newValue] = [shortened(path.legacy), shortened(path.new)];
    const unmet = await this.refusedPromotion(capability);
    findings.caught = { capability, key, path: path.path, field, legacy, new: newValue, afterSeconds, unmet };
    return `caught in ${capability} after ${afterSeconds.toFixed(1)} s: ${path.path} is ${legacy} on the legacy system, ${newValue} on the new side`;
  }

  /** Requests the promotion that the bug must prevent. @returns the conditions of the gate that did not hold */
  private async refusedPromotion(caughtIn: string): Promise<readonly string[]> {
    const { operator, signal } = this.context;
    const capability = READS.find((name) => name === caughtIn) ?? 'read-by-id';
    return waitUntil('the gate counts the mismatch', WITHIN_MS, signal, async () => {
      const refused = await operator.move({ capability, stage: 'live', percent: 100 }, 'demo: this must be refused');
      if (refused?.code !== 'gate-not-met') throw new Error(`${capability} went to live although its answers differ`);
      const unmet = refused.gate.filter(({ holds }) => !holds).map(({ condition }) => condition);
      return unmet.includes('mismatches') ? unmet : undefined;
    });
  }

  /** Kills a process with SIGKILL, and waits until everything works again and no earlier write is open. */
  private async kill(what: keyof typeof KILLS): Promise<string> {
    const { stack, elapsed } = this.context;
    const { app, killed, target } = KILLS[what];
    const began = elapsed();
    const end = this.away(target, `${killed} was killed`, [this.position]);
    await stack.apps.kill(app);
    await this.recovered();
    end();
    return `${what === 'legacy' ? killed : app} was killed; all was as before ${(elapsed() - began).toFixed(1)} s later`;
  }

  /**
   * Stops the legacy system while it follows, until writes are open. Takes writes back to `dualwrite`, then kills it, and reads its files
   * once it has caught up: all that any client was acknowledged must be there.
   */
  private async rollBackWithOpenWrites(): Promise<string> {
    const { operator, stack, clients, findings, signal, elapsed } = this.context;
    const back = positionWith(this.position, [{ capability: 'writes', stage: 'dualwrite', percent: 100 }]);
    const end = this.away('legacy', 'the legacy system was stopped and killed', [this.position, back]);
    stack.apps.pause('legacy');
    const openWrites = await waitUntil('writes that the legacy system misses', WITHIN_MS, signal, async () => {
      const { items } = await operator.get<{ items: { answering: string; legacy: string }[] }>('/v1/migration/pending');
      const open = items.filter(({ answering, legacy }) => answering === 'new' && legacy === 'open').length;
      return open >= OPEN_WRITES ? open : undefined;
    });
    const asked = elapsed();
    await this.moveTo(back, 'demo: a rollback with open writes', WITHIN_MS);
    const secondsToRollBack = elapsed() - asked;
    const { acknowledged } = clients.orders;
    await stack.apps.kill('legacy');
    await this.recovered();
    const secondsToCatchUp = elapsed() - asked;
    end();
    const stored = new Map((await new LegacyFiles(stack.legacyFolder).all()).map(({ id, text }) => [id, text]));
    const missing = acknowledged.filter(({ id, text }) => stored.get(id) !== text).length;
    findings.rolledBack = { openWrites, missing, checked: acknowledged.length, secondsToRollBack, secondsToCatchUp };
    return `${openWrites} writes were open; ${missing} of ${acknowledged.length} acknowledged orders are missing on the legacy system`;
  }

  private async recovered(): Promise<void> {
    const { stack, operator, clients } = this.context;
    const system = {
      facades: stack.facades,
      operator,
      clients,
      areReady: async () => stack.areReady(),
      openIntents: async () => openIntents(stack.mongo.db),
    };
    if (!(await untilRecovered(system, WITHIN_MS))) throw new Error(`no recovery within ${WITHIN_MS / 1_000} s`);
    clients.resume();
  }

  /** Begins a time in which failures of a side are allowed. @returns a function to be called once it has caught up */
  private away(target: AwayTime['target'] | undefined, what: string, positions: AwayTime['positions']): () => void {
    if (target === undefined) return () => undefined;
    const { findings, log } = this.context;
    const begun: AwayTime = { target, what, positions, kind: what, from: log.now(), to: Infinity };
    const at = findings.away.push(begun) - 1;
    return () => void (findings.away[at] = { ...begun, to: log.now() });
  }
}

const IN_PROGRESS: ReadonlySet<string> = new Set(['reading', 'receiving', 'sending', 'paused', 'saving']);

/** Clients go to the other facade while one is away, so that no request may fail then. */
const KILLS = {
  facade: { app: 'facade', killed: 'an instance of the facade', target: undefined },
  legacy: { app: 'legacy', killed: 'the legacy system', target: 'legacy' },
  consumer: { app: 'consumer-1', killed: 'a consumer', target: 'new' },
} as const;

function positionWith(position: Position, targets: readonly Target[]): Position {
  const changes = targets.map(({ capability, ...place }) => [capability === 'writes' ? 'writes' : 'reads', place]);
  return { ...position, ...(Object.fromEntries(changes) as Partial<Position>) };
}

/** Returns the field of a path such as `1001.price`; `order` for a whole order. */
function fieldIn(path: string): string {
  const last = path.split('.').at(-1) ?? path;
  return /^\d+$/.test(last) ? 'order' : last;
}

function shortened(value = 'missing'): string {
  return value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value;
}
