import type { GateCondition } from '../../apps/facade/src/stages/gate.js';
import { CAPABILITIES } from '../../apps/facade/src/stages/stages.js';
import type { Machine } from '../machine/machine.js';
import type { CapabilityState } from '../migration-journey/operator.js';
import type { Step } from '../migration-journey/position.js';
import type { FailedRequest, FaultWindow, RequestLog } from '../migration-journey/request-log.js';
import type { StoredProblems } from '../migration-journey/stored-orders.js';
import type { ReportDocument, Section } from '../report-document.js';
import { SAVE_DELAY_MS } from './demo-stack.js';
import type { TranslationBug } from './translation-bugs.js';

/** The options of `npm run migration -- demo`. */
export interface DemoOptions {
  readonly bug: TranslationBug;
  /** Orders that the legacy system has before the demo. */
  readonly orders: number;
  /** Requests per second of all clients together. */
  readonly rate: number;
  /** Settings of the facades that differ from their defaults: those of the gate and of the automatic rollback. */
  readonly facadeSettings: Readonly<Record<string, string>>;
  /** Folder of the report. */
  readonly reportFolder: string;
}

/** A gate as it was when a capability passed it, and the durations that the facade had measured of both sides. */
export interface PassedGate extends Pick<CapabilityState, 'p50Ms' | 'p99Ms'> {
  readonly step: Step;
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

/** A time in which a process that answers, or that writes have to reach, was unavailable. */
export interface Outage extends FaultWindow {
  /** What was done, such as `the legacy system was killed`. */
  readonly what: string;
}

/** What steps find out for the report. */
export interface DemoFindings {
  readonly gates: PassedGate[];
  readonly outages: Outage[];
  caught: CaughtBug | undefined;
  rolledBack: RolledBack | undefined;
  /** When writes became complete, by the clock of the log. */
  completeSince: number;
  /** When reads last went to shadow, in seconds since the start of the demo. */
  shadowSince: number;
}

export interface ReportedStep {
  readonly title: string;
  readonly seconds: number;
  readonly result: string;
}

/** An entry of the facade's audit, as far as the report shows it. */
export interface AuditEntry {
  readonly at: string;
  readonly action: string;
  readonly capability?: string;
  readonly to?: string;
}

/** A failed request, and the reason for which the contract allows it. */
export interface JudgedFailure extends FailedRequest {
  /** `undefined`: it is not allowed. */
  readonly allowedBecause: string | undefined;
}

/** What both sides have at the end. */
export interface ComparedStores extends StoredProblems {
  readonly legacyOrders: number;
  readonly ordersOnTarget: number;
  /** New orders that clients were acknowledged. */
  readonly acknowledged: number;
}

/** All data of a report. */
export interface DemoReport {
  readonly options: DemoOptions;
  readonly startedAt: Date;
  readonly machine: Machine;
  readonly commit: string;
  readonly steps: readonly ReportedStep[];
  /** Why the demo did not reach its end; `undefined`: it did. */
  readonly problem: string | undefined;
  readonly findings: Readonly<DemoFindings>;
  readonly audit: readonly AuditEntry[];
  readonly log: Pick<RequestLog, 'total' | 'answeredCount' | 'repeated' | 'wrong' | 'wrongCount' | 'figures'>;
  readonly failures: readonly JudgedFailure[];
  readonly stores: ComparedStores;
  readonly totalSeconds: number;
}

/** A property that the demo must have, and whether it has it. */
export interface Verdict {
  readonly what: string;
  readonly found: string;
  readonly holds: boolean;
}

/** Returns what the demo shows. It has succeeded if all hold. */
export function verdictsOf(
  report: Pick<DemoReport, 'problem' | 'log' | 'failures' | 'stores' | 'findings' | 'options'>,
): readonly Verdict[] {
  const { problem, log, failures, stores, findings, options } = report;
  const { lost, doubled, differing, onOneSide } = stores;
  const refused = failures.filter(({ allowedBecause }) => allowedBecause === undefined).length;
  const { caught, rolledBack } = findings;
  return [
    { what: 'the whole way, by the gates only', found: problem ?? 'writes are complete', holds: problem === undefined },
    none('wrong answers', log.wrongCount),
    none('orders lost', lost.length),
    none('orders duplicated', doubled.length),
    none('orders that differ', differing.length),
    none('orders on one side only', onOneSide.length),
    none('failed requests that the contract does not allow', refused),
    {
      what: `bug ${options.bug.name} caught in shadow`,
      found: caught === undefined ? 'no' : `in ${caught.field}`,
      holds: caught !== undefined,
    },
    {
      what: 'orders missing on the legacy system after the rollback',
      found: rolledBack === undefined ? 'no rollback' : String(rolledBack.missing),
      holds: rolledBack?.missing === 0,
    },
  ];
}

function none(what: string, count: number): Verdict {
  return { what, found: String(count), holds: count === 0 };
}

const COUNT = new Intl.NumberFormat('en-US');
const SHOWN = 20;

/** Returns the title and the sections of a report. */
export function sectionsOf(report: DemoReport): ReportDocument {
  const verdicts = verdictsOf(report);
  return {
    title: verdicts.every(({ holds }) => holds)
      ? 'Migration demo: all checks passed'
      : 'Migration demo: a check failed',
    sections: [
      {
        heading: 'Result',
        text: [setUp(report)],
        table: {
          head: ['check', 'found', 'result'],
          rows: verdicts.map(({ what, found, holds }) => [what, found, holds ? 'passed' : 'FAILED']),
        },
      },
      bugSection(report),
      {
        heading: 'Steps',
        text: [],
        table: {
          head: ['step', 'seconds', 'result'],
          rows: report.steps.map(({ title, seconds, result }) => [title, seconds.toFixed(1), result]),
        },
      },
      {
        heading: 'Time in each stage',
        text: ['From the audit of the facade.'],
        table: {
          head: ['capability', 'stage', 'seconds'],
          rows: stageTimes(report.audit, new Date(report.startedAt.getTime() + report.totalSeconds * 1_000)).map(
            ({ capability, stage, seconds }) => [capability, stage, seconds.toFixed(1)],
          ),
        },
      },
      gateSection(report),
      requestSection(report),
      failureSection(report),
      durationSection(report),
      rollbackSection(report),
      storeSection(report),
      ...wrongSection(report),
    ],
  };
}

function setUp({ options, commit, machine, startedAt, totalSeconds }: DemoReport): string {
  const { orders, rate, facadeSettings, bug } = options;
  const given = Object.entries(facadeSettings).map(([name, value]) => `${name}=${value}`);
  const settings = [`SAVE_DELAY_MS=${SAVE_DELAY_MS}`, ...given];
  return (
    `${startedAt.toISOString().slice(0, 16)} UTC, ${totalSeconds.toFixed(0)} s in all, with start and stop. ` +
    `${COUNT.format(orders)} orders in the legacy system, ${rate} requests/s of 32 clients, bug ${bug.name}, ` +
    `settings that differ from the defaults: ${settings.join(', ')}. ` +
    `Commit ${commit}, ${machine.cores} cores, ${machine.memoryGiB} GiB, load average at the start ${machine.loadAverage.toFixed(1)}. ` +
    `Again: ${[...given, `npm run migration -- demo --bug ${bug.name} --orders ${orders} --rate ${rate}`].join(' ')}`
  );
}

function bugSection({ options, findings }: DemoReport): Section {
  const { name, description } = options.bug;
  const { caught } = findings;
  const text = [`Planted bug ${name}: ${description}.`];
  if (caught === undefined) return { heading: 'The bug', text: [...text, 'It was not caught.'] };
  return {
    heading: 'The bug',
    text: [
      ...text,
      `Shadow caught it ${caught.afterSeconds.toFixed(1)} s after it began. The promotion was refused: ${caught.unmet.join(', ')}.`,
    ],
    table: {
      head: ['capability', 'asked for', 'field', 'path', 'legacy system', 'target'],
      rows: [[caught.capability, caught.key, caught.field, caught.path, caught.legacy, caught.new]],
    },
  };
}

function gateSection({ findings }: DemoReport): Section {
  const names = [...new Set(findings.gates.flatMap(({ conditions }) => conditions.map(({ condition }) => condition)))];
  const gated = findings.gates.filter(({ conditions }) => conditions.length > 0);
  return {
    heading: 'Gates',
    text: ['Each gate as it was when the capability passed it. Steps to dualwrite and shadow need none.'],
    table: {
      head: ['at, s', 'step', ...names],
      rows: gated.map(({ atSeconds, step, conditions }) =>
        [atSeconds.toFixed(1), nameOf(step)].concat(
          names.map((name) => conditions.find(({ condition }) => condition === name)?.found ?? ''),
        ),
      ),
    },
  };
}

function rollbackSection({ findings: { rolledBack } }: DemoReport): Section {
  const heading = 'Rollback with open writes';
  if (rolledBack === undefined) return { heading, text: ['There was none.'] };
  const { openWrites, secondsToRollBack, secondsToCatchUp, missing, checked } = rolledBack;
  return {
    heading,
    text: [
      `Writes were live at 50 %, and the legacy system was stopped: it missed ${openWrites} writes that clients had been acknowledged. ` +
        `The rollback to dualwrite took ${secondsToRollBack.toFixed(1)} s; then the legacy system was killed. ` +
        `${secondsToCatchUp.toFixed(1)} s after the request it had all of them: ${missing} of ${COUNT.format(checked)} acknowledged orders were missing in its files.`,
    ],
  };
}

function storeSection({ stores }: DemoReport): Section {
  const { legacyOrders, ordersOnTarget, acknowledged, lost, doubled, differing, onOneSide } = stores;
  const found = { lost, duplicated: doubled, differing, 'on one side only': onOneSide };
  return {
    heading: 'Stored orders',
    text: [
      'Read from the files of the legacy system and from the collection in MongoDB, without the facade, verify and the translation. ' +
        `The legacy system has ${COUNT.format(legacyOrders)} orders, the target ${COUNT.format(ordersOnTarget)}, with those since writes are complete. ` +
        `Clients were acknowledged ${COUNT.format(acknowledged)} new orders.`,
      ...Object.entries(found).flatMap(([name, all]) => all.slice(0, SHOWN).map((each) => `${name}: ${each}`)),
    ],
  };
}

function wrongSection({ log }: DemoReport): readonly Section[] {
  if (log.wrong.length === 0) return [];
  return [
    {
      heading: 'Wrong answers',
      text: [],
      table: {
        head: ['requests', 'stage', 'path', 'reason'],
        rows: log.wrong.map(({ kind, stage, path, reason }) => [kind, stage, path, reason]),
      },
    },
  ];
}

function requestSection({ log, failures, totalSeconds }: DemoReport): Section {
  const failedIn = (kind: string, stage: string): number =>
    failures.filter((failure) => failure.kind === kind && failure.stage === stage).length;
  const figures = log.figures().toSorted((a, b) => CAPABILITIES.indexOf(a.kind) - CAPABILITIES.indexOf(b.kind));
  return {
    heading: 'Requests',
    text: [
      `${COUNT.format(log.total)} requests, ${(log.total / totalSeconds).toFixed(0)}/s over the whole time: ` +
        `${COUNT.format(log.answeredCount)} answered, ${COUNT.format(failures.length)} failed, ${log.wrongCount} answered wrongly. ` +
        `${COUNT.format(log.repeated)} times an instance dropped a connection, and the client sent the request to the other one. ` +
        'Durations are as the clients saw them, waits for open writes included.',
    ],
    table: {
      head: ['requests', 'stage', 'answered', 'failed', 'p50, ms', 'p99, ms'],
      rows: figures.map(({ kind, stage, answered, p50Ms, p99Ms }) => [
        kind,
        stage,
        COUNT.format(answered),
        String(failedIn(kind, stage)),
        ms(p50Ms),
        ms(p99Ms),
      ]),
    },
  };
}

function failureSection({ failures, startedAt }: DemoReport): Section {
  const second = (at: number): string => ((at - startedAt.getTime()) / 1_000).toFixed(1);
  const groups = Map.groupBy(failures, ({ kind, code, allowedBecause }) => `${kind}|${code}|${allowedBecause ?? ''}`);
  return {
    heading: 'Failed requests',
    text: ['The contract allows failures only while the primary, or a side that writes wait for, is unavailable.'],
    table: {
      head: ['requests', 'code', 'count', 'from, s', 'to, s', 'allowed'],
      rows: [...groups.values()].flatMap((group) => {
        const [first] = group;
        if (first === undefined) return [];
        const [from, to] = [Math.min(...group.map((each) => each.from)), Math.max(...group.map((each) => each.to))];
        const allowed = first.allowedBecause ?? `NO: ${first.message}`;
        return [[first.kind, first.code, String(group.length), second(from), second(to), allowed]];
      }),
    },
  };
}

function durationSection({ findings }: DemoReport): Section {
  return {
    heading: 'Durations of both sides',
    text: [
      'As the facade measured them until each gate. The difference to what the clients saw is what the facade, its waits for open writes, and the client add.',
    ],
    table: {
      head: ['until', 'legacy p50, ms', 'legacy p99, ms', 'target p50, ms', 'target p99, ms'],
      rows: findings.gates
        .filter(({ conditions }) => conditions.length > 0)
        .map(({ step, p50Ms, p99Ms }) => [
          nameOf(step),
          ms(p50Ms.legacy),
          ms(p99Ms.legacy),
          ms(p50Ms.new),
          ms(p99Ms.new),
        ]),
    },
  };
}

function ms(value: number | null): string {
  return value === null ? '' : value.toFixed(1);
}

interface StageTime {
  readonly capability: string;
  /** Such as `live at 50 %`. */
  readonly stage: string;
  readonly seconds: number;
}

/** Returns how long each capability was in each stage, in the order in which the stages began. @param entries the oldest first */
function stageTimes(entries: readonly AuditEntry[], end: Date): readonly StageTime[] {
  const changes = entries.filter(({ action }) => action === 'change' || action === 'rollback');
  return changes.flatMap(({ capability, to, at }, place) => {
    if (capability === undefined || to === undefined) return [];
    const next = changes.slice(place + 1).find((change) => change.capability === capability);
    const until = next === undefined ? end.getTime() : Date.parse(next.at);
    return [{ capability, stage: to, seconds: (until - Date.parse(at)) / 1_000 }];
  });
}

/** Returns a change of stage, for people. */
export function nameOf({ capability, stage, percent }: Step): string {
  return `${capability} to ${stage}${percent === 100 ? '' : ` at ${percent} %`}`;
}
