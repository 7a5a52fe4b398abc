import { SAVE_DELAY_MS } from '../demo-stack.js';
import { CAPABILITIES } from '../../../apps/facade/src/stages/migration-snapshot.js';
import type { ReportDocument, Section } from '../../report-document.js';
import { nameOf } from '../plan.js';
import { verdictsOf, type AuditEntry, type DemoReport } from './demo-report.js';

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
      head: ['capability', 'asked for', 'field', 'path', 'legacy system', 'new side'],
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
      rows: gated.map(({ atSeconds, target, conditions }) =>
        [atSeconds.toFixed(1), nameOf(target)].concat(
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
  const { legacyOrders, newOrders, acknowledged, lost, doubled, differing, onOneSide } = stores;
  const found = { lost, doubled, differing, 'on one side only': onOneSide };
  return {
    heading: 'Stored orders',
    text: [
      'Read from the files of the legacy system and from the collection in MongoDB, without the facade, verify and the translation. ' +
        `The legacy system has ${COUNT.format(legacyOrders)} orders, the new side ${COUNT.format(newOrders)}, with those since writes are complete. ` +
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
    text: ['The contract allows failures only while the answering side, or a side that writes wait for, is away.'],
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
      head: ['until', 'legacy p50, ms', 'legacy p99, ms', 'new p50, ms', 'new p99, ms'],
      rows: findings.gates
        .filter(({ conditions }) => conditions.length > 0)
        .map(({ target, p50Ms, p99Ms }) => [
          nameOf(target),
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
export function stageTimes(entries: readonly AuditEntry[], end: Date): readonly StageTime[] {
  const changes = entries.filter(({ action }) => action === 'change' || action === 'rollback');
  return changes.flatMap(({ capability, to, at }, place) => {
    if (capability === undefined || to === undefined) return [];
    const next = changes.slice(place + 1).find((change) => change.capability === capability);
    const until = next === undefined ? end.getTime() : Date.parse(next.at);
    return [{ capability, stage: to, seconds: (until - Date.parse(at)) / 1_000 }];
  });
}
