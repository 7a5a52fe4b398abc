import { join } from 'node:path';
import { currentCommit, describeMachine } from '../machine/machine-description.js';
import type { DemoOptions } from './demo-options.js';
import { DemoStack } from './demo-stack.js';
import { judgeFailures } from './load/allowed-failures.js';
import { AwayTimes } from './load/away-times.js';
import { Traffic } from './load/traffic.js';
import { failure, MigrationApi } from './migration-api.js';
import type { DemoReport, ReportedStep } from './report/demo-report.js';
import type { DemoContext, DemoFindings } from './steps/demo-context.js';
import { planSteps, titleOf } from './steps/plan.js';
import { runStep } from './steps/run-step.js';
import { compareStores } from './stores/compare-stores.js';
import { readCollection, readLegacyFiles } from './stores/stored-orders.js';

export interface DemoListener {
  /** Receives the progress, one line at a time. */
  readonly print: (line: string) => void;
  /** Ends the demo. */
  readonly signal: AbortSignal;
  /** Called with a function that kills all processes at once, for callers that can't wait. */
  readonly onStack: (kill: () => void) => void;
}

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
async function migrate(options: DemoOptions, stack: DemoStack, following: Following) {
  const { progress, elapsed } = following;
  const old = await populate(stack, options.orders);
  progress(`the legacy system has ${old.length.toLocaleString('en-US')} orders`);
  const failed = new AbortController();
  const onFailure = (error: unknown): void => failed.abort(error);
  const traffic = new Traffic({
    facadeUrls: stack.facadeUrls,
    old,
    rate: options.rate,
    random: Math.random,
    onFailure,
  });
  const signal = AbortSignal.any([following.signal, failed.signal]);
  const api = new MigrationApi(stack.facadeUrls, stack.producerUrl, signal);
  const away = new AwayTimes();
  const findings: DemoFindings = NO_FINDINGS();
  const steps: ReportedStep[] = [];
  let problem: string | undefined;
  traffic.start();
  try {
    const context = { stack, api, traffic, away, findings, elapsed, signal };
    problem = await runSteps(options, context, steps, progress);
  } finally {
    await traffic.stop();
  }
  progress('comparing the files of the legacy system with the collection of the new side');
  const { acknowledged, sightings, log } = traffic;
  const [legacy, created] = [await readLegacyFiles(stack.legacyFolder), await readCollection(stack.mongo.db)];
  const sides = { legacy, created, legacyUntil: findings.completeSince };
  const stores = compareStores({ old, acknowledged, sighted: sightings.all(), ...sides });
  const failures = judgeFailures(log.failed, away.all);
  return { steps, problem, findings, audit: await api.audit(), log, failures, stores };
}

/** Has the legacy system invent orders, and reads its files. */
async function populate({ legacyUrl, legacyFolder }: DemoStack, orders: number) {
  const response = await fetch(`${legacyUrl}/populate?count=${orders}`, { method: 'POST' });
  if (response.status !== 201) throw failure(`populate responded with ${response.status}: ${await response.text()}`);
  return readLegacyFiles(legacyFolder);
}

/** Runs the steps until one fails. @returns why it failed; `undefined`: none did @throws the abort reason of the signal */
async function runSteps(
  { bug }: DemoOptions,
  context: DemoContext,
  steps: ReportedStep[],
  progress: (line: string) => void,
): Promise<string | undefined> {
  for (const step of planSteps(bug)) {
    const title = titleOf(step);
    const began = context.elapsed();
    progress(title);
    try {
      const result = await runStep(step, context);
      steps.push({ title, seconds: context.elapsed() - began, result });
      progress(`  ${result}`);
    } catch (error) {
      context.signal.throwIfAborted();
      const problem = error instanceof Error ? error.message : String(error);
      steps.push({ title, seconds: context.elapsed() - began, result: problem });
      progress(`  ${problem}`);
      return problem;
    }
  }
  return undefined;
}

const NO_FINDINGS = (): DemoFindings => ({
  gates: [],
  caught: undefined,
  rolledBack: undefined,
  completeSince: Number.POSITIVE_INFINITY,
  shadowSince: 0,
});
