import { join } from 'node:path';
import { currentCommit, describeMachine } from '../machine/machine.js';
import { allowing, RequestLog } from '../migration-journey/request-log.js';
import { Clients, BalancedRoute } from '../migration-journey/clients.js';
import { Operator } from '../migration-journey/operator.js';
import { storedProblems, LegacyFiles, newSideOrders, CLIENT_ACCOUNTS } from '../migration-journey/stored-orders.js';
import type { DemoOptions } from './demo-options.js';
import { DemoStack } from './demo-stack.js';
import { DemoSteps, type DemoContext, type DemoFindings } from './demo-steps.js';
import { planSteps, titleOf } from './plan.js';
import type { AuditEntry, DemoReport, ReportedStep } from './report/demo-report.js';

export interface DemoListener {
  /** Receives the progress, one line at a time. */
  readonly print: (line: string) => void;
  /** Ends the demo. */
  readonly signal: AbortSignal;
  /** Called with a function that kills all processes at once, for callers that can't wait. */
  readonly onStack: (kill: () => void) => void;
}

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

/**
 * Runs a whole migration, on servers of its own that it removes at the end.
 * @throws StackError, or the abort reason of the signal, if it could not begin; later failures are part of the report
 */
export async function runDemo(options: DemoOptions, { print, signal, onStack }: DemoListener): Promise<DemoReport> {
  const began = performance.now();
  const startedAt = new Date();
  const machine = describeMachine();
  const elapsed = (): number => (performance.now() - began) / 1_000;
  const progress = (line: string): void => print(`${elapsed().toFixed(1).padStart(6)} s  ${line}`);
  progress('starting Kafka, MongoDB, the registry, the apps, the legacy system and two facades');
  const { facadeSettings, reportFolder } = options;
  const stack = await DemoStack.start({ facadeSettings, print: (line) => progress(`  ${line}`), signal });
  onStack(() => stack.killAll());
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

interface Following {
  readonly progress: (line: string) => void;
  readonly elapsed: () => number;
  readonly signal: AbortSignal;
}

/** Runs all steps under traffic, and compares what is stored at the end. */
async function migrate(options: DemoOptions, stack: DemoStack, { progress, elapsed, ...following }: Following) {
  const files = new LegacyFiles(stack.legacyFolder);
  await populate(stack.legacyUrl, options.orders);
  const old = await files.all();
  progress(`the legacy system has ${old.length.toLocaleString('en-US')} orders`);
  const failed = new AbortController();
  const log = new RequestLog({ now: () => Date.now() });
  const clients = new Clients({
    ...BEHAVIOUR,
    rate: options.rate,
    old,
    log,
    drawOf: () => (below) => Math.floor(Math.random() * below),
    routeOf: (client) => new BalancedRoute(rotated(stack.facades, client)),
    onFailure: (error) => failed.abort(error),
  });
  const signal = AbortSignal.any([following.signal, failed.signal]);
  const operator = new Operator(stack.facades, signal);
  const findings: DemoFindings = {
    gates: [],
    away: [],
    caught: undefined,
    rolledBack: undefined,
    completeSince: Infinity,
    shadowSince: 0,
  };
  const steps: ReportedStep[] = [];
  let problem: string | undefined;
  clients.begin();
  try {
    problem = await runSteps(options, { stack, operator, clients, log, findings, elapsed, signal }, steps, progress);
  } finally {
    await clients.end();
  }
  progress('comparing the files of the legacy system with the collection of the new side');
  const [legacy, newSide] = [await files.all(), await newSideOrders(stack.mongo.db)];
  const { all: written, acknowledged } = clients.orders;
  const evidence = { old, written, sighted: clients.sightings.new, legacy, new: newSide, isCopied: true };
  const stores = {
    ...storedProblems({ ...evidence, newOnlyFrom: findings.completeSince }),
    legacyOrders: legacy.length,
    newOrders: newSide.length,
    acknowledged: acknowledged.length,
  };
  const failures = log.failed.map((request) => {
    const window = allowing(request, findings.away, []);
    return { ...request, allowedBecause: window !== undefined && 'what' in window ? window.what : undefined };
  });
  const { items } = await operator.get<{ items: AuditEntry[] }>('/v1/migration/audit?pageSize=1000');
  return { steps, problem, findings, audit: items.toReversed(), log, failures, stores };
}

/** Half of the clients prefer each facade. */
function rotated<T>(all: readonly T[], by: number): readonly T[] {
  return all.map((_, at) => all[(at + by) % all.length]).flatMap((each) => each ?? []);
}

/** Has the legacy system invent orders. */
async function populate(legacyUrl: string, orders: number): Promise<void> {
  const response = await fetch(`${legacyUrl}/populate?count=${orders}`, { method: 'POST' });
  if (response.status !== 201) throw new Error(`populate responded with ${response.status}: ${await response.text()}`);
}

/** Runs the steps until one fails. @returns why it failed; `undefined`: none did @throws the abort reason of the signal */
async function runSteps(
  { bug }: DemoOptions,
  context: DemoContext,
  steps: ReportedStep[],
  progress: (line: string) => void,
): Promise<string | undefined> {
  const demo = new DemoSteps(context);
  for (const step of planSteps(bug)) {
    const title = titleOf(step);
    const began = context.elapsed();
    progress(title);
    try {
      const result = await demo.run(step);
      steps.push({ title, seconds: context.elapsed() - began, result });
      progress(`  ${result}`);
    } catch (error) {
      context.signal.throwIfAborted();
      const problem = `The demo can't go on: ${error instanceof Error ? error.message : String(error)}.`;
      steps.push({ title, seconds: context.elapsed() - began, result: problem });
      progress(`  ${problem}`);
      return problem;
    }
  }
  return undefined;
}
