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
  const report = (line: string): void => print(`${elapsed().toFixed(1).padStart(6)} s  ${line}`);
  report('starting Kafka, MongoDB, the registry, the apps, the legacy system and two facades');
  const { facadeSettings } = options;
  const stack = await DemoStack.start({ facadeSettings, print: (line) => report(`  ${line}`), signal });
  onStack(() => stack.killAll());
  const steps: ReportedStep[] = [{ title: 'start all processes', seconds: elapsed(), result: 'all are ready' }];
  const failed = new AbortController();
  try {
    const old = await populate(stack, options.orders);
    report(`the legacy system has ${old.length.toLocaleString('en-US')} orders`);
    const traffic = new Traffic({
      facadeUrls: stack.facadeUrls,
      old,
      rate: options.rate,
      random: Math.random,
      onFailure: (error) => failed.abort(error),
    });
    const stopping = AbortSignal.any([signal, failed.signal]);
    const api = new MigrationApi(stack.facadeUrls, stack.producerUrl, stopping);
    const away = new AwayTimes();
    const findings: DemoFindings = NO_FINDINGS();
    const context: DemoContext = { stack, api, traffic, away, findings, elapsed, signal: stopping };
    traffic.start();
    const problem = await runSteps(options, context, steps, report).finally(async () => traffic.stop());
    if (problem === undefined) await untilNoWriteIsOpen(api);
    report('comparing the files of the legacy system with the collection of the new side');
    const [legacy, created] = [await readLegacyFiles(stack.legacyFolder), await readCollection(stack.mongo.db)];
    const { acknowledged, sightings } = traffic;
    const legacyUntil = findings.completeSince;
    return {
      options,
      startedAt,
      machine,
      commit: currentCommit(),
      steps,
      problem,
      findings,
      audit: await api.audit(),
      log: traffic.log,
      failures: judgeFailures(traffic.log.failed, away.all),
      stores: compareStores({ old, acknowledged, sighted: sightings.all(), legacy, created, legacyUntil }),
      totalSeconds: elapsed(),
    };
  } finally {
    await stack.copyLogs(join(options.reportFolder, 'logs'));
    report('stopping everything');
    await stack.stop();
    report('stopped');
  }
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
  report: (line: string) => void,
): Promise<string | undefined> {
  for (const step of planSteps(bug)) {
    const title = titleOf(step);
    const began = context.elapsed();
    report(title);
    try {
      const result = await runStep(step, context);
      steps.push({ title, seconds: context.elapsed() - began, result });
      report(`  ${result}`);
    } catch (error) {
      context.signal.throwIfAborted();
      const problem = error instanceof Error ? error.message : String(error);
      steps.push({ title, seconds: context.elapsed() - began, result: problem });
      report(`  ${problem}`);
      return problem;
    }
  }
  return undefined;
}

async function untilNoWriteIsOpen(api: MigrationApi): Promise<void> {
  while ((await api.pending()).count > 0) await new Promise((resolve) => setTimeout(resolve, 100));
}

const NO_FINDINGS = (): DemoFindings => ({
  gates: [],
  caught: undefined,
  rolledBack: undefined,
  completeSince: Number.POSITIVE_INFINITY,
  shadowSince: 0,
});
