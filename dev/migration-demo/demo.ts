import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Long } from 'mongodb';
import { fetch } from 'undici';
import type { ReadCapability, ReadStage, WriteStage } from '../../apps/facade/src/stages/stages.js';
import { currentCommit, describeMachine } from '../machine/machine.js';
import { BalancedRoute, Clients } from '../migration-journey/clients.js';
import { type MigrationRun, Operator, type Refused, untilRecovered } from '../migration-journey/operator.js';
import { type Position, positionAt, type Step } from '../migration-journey/position.js';
import { allowing, RequestLog } from '../migration-journey/request-log.js';
import {
  CLIENT_ACCOUNTS,
  LegacyFiles,
  targetOrders,
  openIntents,
  storedProblems,
} from '../migration-journey/stored-orders.js';
import type { Interruption } from '../supervisor/stop-requests.js';
import { waitUntil } from '../waits.js';
import {
  type AuditEntry,
  type DemoFindings,
  type DemoOptions,
  type DemoReport,
  nameOf,
  type Outage,
  type ReportedStep,
} from './demo-report.js';
import { DemoStack } from './demo-stack.js';
import type { TranslationBug } from './translation-bugs.js';

const CLIENTS = 32;
/** No client gives up. Each kind of request must reach the samples of its gate. */
const BEHAVIOUR = {
  accounts: Array.from({ length: CLIENTS }, (_, at) => [`${CLIENT_ACCOUNTS}${String(at + 1).padStart(2, '0')}`]),
  mix: { writes: 7, 'read-by-id': 5, 'read-by-page': 4, 'read-by-range': 4 },
  timeoutMs: 20_000,
  retryMs: 1_000,
  withoutIdPercent: 0,
  givesUpPercent: 0,
};

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

export const READS: readonly ReadCapability[] = ['read-by-id', 'read-by-page', 'read-by-range'];

/** What ends the demo early, and where its progress goes. */
export interface DemoListener extends Interruption {
  /** Receives the progress, one line at a time. */
  readonly print: (line: string) => void;
}

/**
 * Runs a whole migration, on servers of its own that it removes at the end.
 * @throws StackError, or the abort reason of the signal, if it could not begin; later failures are part of the report
 */
export async function runDemo(options: DemoOptions, { print, signal, onForce }: DemoListener): Promise<DemoReport> {
  const began = performance.now();
  const startedAt = new Date();
  const machine = describeMachine();
  const elapsed = (): number => (performance.now() - began) / 1_000;
  const progress = (line: string): void => print(`${elapsed().toFixed(1).padStart(6)} s  ${line}`);
  progress('starting Kafka, MongoDB, the registry, the apps, the legacy system and two facades');
  const { facadeSettings, reportFolder } = options;
  const stack = await DemoStack.start({ facadeSettings, print: (line) => progress(`  ${line}`), signal });
  onForce(() => stack.killAll());
  const started = { title: 'start all processes', seconds: elapsed(), result: 'all are ready' };
  try {
    const migrated = await migrate(options, stack, { progress, elapsed, signal });
    const steps = [started, ...migrated.steps];
    return { options, startedAt, machine, commit: currentCommit(), ...migrated, steps, totalSeconds: elapsed() };
  } finally {
    await stack.copyLogs(join(reportFolder, 'logs'));
    progress('stopping everything');
    await stack.stop();
    progress('stopped');
  }
}

interface DemoContext {
  readonly progress: (line: string) => void;
  /** Seconds since the start of the demo. */
  readonly elapsed: () => number;
  readonly signal: AbortSignal;
}

/** Runs all steps under traffic, and compares what is stored at the end. */
async function migrate({ orders, rate, bug }: DemoOptions, stack: DemoStack, context: DemoContext) {
  const { progress } = context;
  const files = new LegacyFiles(stack.legacyFolder);
  const populated = await fetch(`${stack.legacyUrl}/populate?count=${orders}`, { method: 'POST' });
  if (populated.status !== 201)
    throw new Error(`populate responded with ${populated.status}: ${await populated.text()}`);
  const old = await files.all();
  progress(`the legacy system has ${old.length.toLocaleString('en-US')} orders`);
  const failed = new AbortController();
  const log = new RequestLog({ now: () => Date.now() });
  const clients = new Clients({
    ...BEHAVIOUR,
    rate,
    old,
    log,
    drawOf: () => (below) => Math.floor(Math.random() * below),
    // Half of the clients prefer each facade.
    routeOf: (client) => new BalancedRoute(client % 2 === 0 ? stack.facades : stack.facades.toReversed()),
    onFailure: (error) => failed.abort(error),
  });
  const signal = AbortSignal.any([context.signal, failed.signal]);
  const demo = new Demo(stack, clients, log, { ...context, signal });
  const problem = await demo.run(bug);
  progress('comparing the files of the legacy system with the collection of the target');
  const [legacy, target] = [await files.all(), await targetOrders(stack.mongo.db)];
  const { all: written, acknowledged } = clients.orders;
  const evidence = { old, written, sighted: clients.sightings.new, legacy, new: target, isCopied: true };
  const stores = {
    ...storedProblems({ ...evidence, targetOnlyFrom: demo.findings.completeSince }),
    legacyOrders: legacy.length,
    ordersOnTarget: target.length,
    acknowledged: acknowledged.length,
  };
  const failures = log.failed.map((request) => {
    const window = allowing(request, demo.findings.outages, []);
    return { ...request, allowedBecause: window !== undefined && 'what' in window ? window.what : undefined };
  });
  const { items } = await demo.operator.get<{ items: AuditEntry[] }>('/v1/migration/audit?pageSize=1000');
  const { steps, findings } = demo;
  return { steps, problem, findings, audit: items.toReversed(), log, failures, stores };
}

/** The way from `off` to `complete` on a running system. */
class Demo {
  readonly steps: ReportedStep[] = [];
  readonly findings: DemoFindings = {
    gates: [],
    outages: [],
    caught: undefined,
    rolledBack: undefined,
    completeSince: Infinity,
    shadowSince: 0,
  };
  readonly operator: Operator;
  private position: Position = OFF;

  constructor(
    private readonly stack: DemoStack,
    private readonly clients: Clients,
    private readonly log: RequestLog,
    private readonly context: DemoContext,
  ) {
    this.operator = new Operator(stack.facades, context.signal);
  }

  /** Runs the steps until one fails. @returns why it failed; `undefined`: none did @throws the abort reason of the signal */
  async run(bug: TranslationBug): Promise<string | undefined> {
    this.clients.begin();
    try {
      await this.toShadow(bug);
      await this.repair(bug);
      await this.toComplete();
      return undefined;
    } catch (error) {
      this.context.signal.throwIfAborted();
      return this.steps.at(-1)?.result ?? String(error);
    } finally {
      await this.clients.end();
    }
  }

  private async toShadow({ name, field }: TranslationBug): Promise<void> {
    await this.traffic();
    await this.writesTo('dualwrite');
    await this.copyAll();
    await this.step(`deploy the facades with the bug ${name}`, async () => this.deploy(name));
    await this.readsTo('shadow');
    await this.step(`shadow must catch ${name}`, async () => this.catchBug(field));
  }

  /**
   * No more orders may be written wrongly, so writes go back to the legacy system before anything else. Their comparisons have met a bug of
   * reads too, and the gate counts anew only after a change of the stage. A bug that has stored wrong orders needs more to be repaired.
   */
  private async repair({ affects }: TranslationBug): Promise<void> {
    const all = [...READS, 'writes'].join(', ');
    await this.step(`back to off: ${all}`, async () => {
      await this.moveTo(OFF, 'demo: a bug was caught', WITHIN_MS);
      return `${all} off`;
    });
    await this.step('deploy the facades without the bug', async () => this.deploy());
    await this.writesTo('dualwrite');
    if (affects === 'writes')
      await this.step('remove the wrong orders from the target', async () => this.removeWrongOrders());
    await this.copyAll();
    await this.readsTo('shadow');
  }

  private async toComplete(): Promise<void> {
    await this.step('kill the legacy system', async () => this.kill('legacy'));
    await this.readsTo('live');
    await this.writesTo('live', 50);
    const rollback = async (): Promise<string> => this.rollBackWithOpenWrites();
    await this.step('roll writes back to dualwrite while writes are open', rollback);
    await this.writesTo('live', 50);
    await this.step('kill an instance of the facade', async () => this.kill('facade'));
    await this.writesTo('live');
    await this.step('kill a consumer', async () => this.kill('consumer'));
    await this.readsTo('complete');
    await this.step('verify', async () => this.verify());
    await this.writesTo('complete');
    await this.traffic();
    await this.step('stop the traffic', async () => {
      await this.clients.end();
      await this.recovered();
      return `${this.clients.orders.acknowledged.length} orders acknowledged, no write is open`;
    });
  }

  /** Runs a step to its end, and reports it. @param work returns what came out, for people @throws Error if the demo can't go on */
  private async step(title: string, work: () => Promise<string>): Promise<void> {
    const { elapsed, progress, signal } = this.context;
    const began = elapsed();
    progress(title);
    const ended = (result: string): void => {
      this.steps.push({ title, seconds: elapsed() - began, result });
      progress(`  ${result}`);
    };
    try {
      ended(await work());
    } catch (error) {
      signal.throwIfAborted();
      ended(`The demo can't go on: ${error instanceof Error ? error.message : String(error)}.`);
      throw error;
    }
  }

  /** Clients send requests for some seconds, and nothing else happens. */
  private async traffic(): Promise<void> {
    await this.step('traffic for 3 s', async () => {
      await delay(3_000, undefined, { signal: this.context.signal });
      return `${this.log.total} requests so far`;
    });
  }

  private async writesTo(stage: WriteStage, percent = 100): Promise<void> {
    await this.promote([{ capability: 'writes', stage, percent }]);
  }

  private async readsTo(stage: ReadStage): Promise<void> {
    await this.promote(READS.map((capability) => ({ capability, stage, percent: 100 })));
  }

  private async copyAll(): Promise<void> {
    await this.step('backfill', async () => this.backfill());
    await this.step('verify', async () => this.verify());
  }

  private async deploy(bug?: string): Promise<string> {
    await this.stack.deployFacade(bug);
    return 'both instances run it';
  }

  /** Takes each step as soon as its gate is met, never by force. @throws Error after 150 s, or if the facade has rolled one back */
  private async promote(steps: readonly Step[]): Promise<void> {
    const title = steps.map(nameOf).join(', ');
    await this.step(title, async () => {
      await this.passGates(steps);
      return title;
    });
  }

  private async passGates(steps: readonly Step[]): Promise<void> {
    const { findings, log } = this;
    const { elapsed } = this.context;
    let askedAt = 0;
    await this.moveTo(positionWith(this.position, steps), 'demo: the gate is met', MOVED_WITHIN_MS, {
      waitsFor: ({ capability }, { gate, cause }) => {
        if (cause !== undefined) throw new Error(`${capability} was rolled back by the facade: ${cause}`);
        const unmet = gate.filter(({ holds }) => !holds);
        askedAt = log.now();
        return unmet.length > 0 ? unmet.map(({ condition, found }) => `${condition} ${found}`).join(', ') : undefined;
      },
      onMoved: (step, { gate, p50Ms, p99Ms }) => {
        findings.gates.push({ step, atSeconds: elapsed(), conditions: gate, p50Ms, p99Ms });
        if (step.stage === 'shadow') findings.shadowSince = elapsed();
        if (step.capability === 'writes' && step.stage === 'complete') findings.completeSince = askedAt;
      },
    });
  }

  private async moveTo(
    position: Position,
    reason: string,
    withinMs: number,
    hooks: Pick<Parameters<Operator['moveTo']>[1], 'waitsFor' | 'onMoved'> = {},
  ): Promise<void> {
    const { operator, log } = this;
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
    const { operator } = this;
    const { result, translated = 0, operationIds = [], problem } = await operator.run('backfill', RUN_WITHIN_MS);
    if (result !== 'imported') throw new Error(`the backfill ended as ${result}: ${problem}`);
    for (const id of operationIds) await this.untilSaved(id);
    return `${COUNT.format(translated)} orders copied`;
  }

  /** Waits until each order of an import is saved. */
  private async untilSaved(operationId: string): Promise<void> {
    const { stack } = this;
    const { signal } = this.context;
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
      const run = await this.operator.run('verify', RUN_WITHIN_MS);
      if (run.result !== 'open' || tries === 3) return run;
    }
  }

  /**
   * Removes what a wrong translation has stored on the target. It is what a team has to do then: no order ever changes, so that
   * a copy of the right one would be rejected.
   */
  private async removeWrongOrders(): Promise<string> {
    const { operator, stack } = this;
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
    const { operator, findings } = this;
    const { signal, elapsed } = this.context;
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
    return `caught in ${capability} after ${afterSeconds.toFixed(1)} s: ${path.path} is ${legacy} on the legacy system, ${newValue} on the target`;
  }

  /** Requests the promotion that the bug must prevent. @returns the conditions of the gate that did not hold */
  private async refusedPromotion(caughtIn: string): Promise<readonly string[]> {
    const { operator } = this;
    const { signal } = this.context;
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
    const { stack } = this;
    const { elapsed } = this.context;
    const { app, killed, affects } = KILLS[what];
    const began = elapsed();
    const end = this.beginOutage(affects, `${killed} was killed`, [this.position]);
    await stack.apps.kill(app);
    await this.recovered();
    end();
    return `${what === 'legacy' ? killed : app} was killed; all was as before ${(elapsed() - began).toFixed(1)} s later`;
  }

  /**
   * Stops the legacy system while it is the secondary, until writes are open. Takes writes back to `dualwrite`, then kills it, and reads its files
   * once it has caught up: all that any client was acknowledged must be there.
   */
  private async rollBackWithOpenWrites(): Promise<string> {
    const { operator, stack, clients, findings } = this;
    const { signal, elapsed } = this.context;
    const back = positionWith(this.position, [{ capability: 'writes', stage: 'dualwrite', percent: 100 }]);
    const end = this.beginOutage('legacy', 'the legacy system was stopped and killed', [this.position, back]);
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
    const { stack, operator, clients } = this;
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
  private beginOutage(
    affects: Outage['affects'] | undefined,
    what: string,
    positions: Outage['positions'],
  ): () => void {
    if (affects === undefined) return () => undefined;
    const { findings, log } = this;
    const begun: Outage = { affects, what, positions, kind: what, from: log.now(), to: Infinity };
    const at = findings.outages.push(begun) - 1;
    return () => void (findings.outages[at] = { ...begun, to: log.now() });
  }
}

const IN_PROGRESS: ReadonlySet<string> = new Set(['reading', 'receiving', 'sending', 'paused', 'saving']);

/** Clients go to the other facade while one is unavailable, so that no request may fail then. */
const KILLS = {
  facade: { app: 'facade', killed: 'an instance of the facade', affects: undefined },
  legacy: { app: 'legacy', killed: 'the legacy system', affects: 'legacy' },
  consumer: { app: 'consumer-1', killed: 'a consumer', affects: 'new' },
} as const;

function positionWith(position: Position, steps: readonly Step[]): Position {
  const changes = steps.map(({ capability, ...place }) => [capability === 'writes' ? 'writes' : 'reads', place]);
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
