import { REQUEST_KINDS } from '../load/request-log.js';
import { nameOf } from '../steps/plan.js';
import type { DemoReport } from './demo-report.js';
import type { Section } from './section.js';

const COUNT = new Intl.NumberFormat('en-US');

export function requestSection({ log, failures, totalSeconds }: DemoReport): Section {
  const failedIn = (kind: string, stage: string): number =>
    failures.filter((failure) => failure.kind === kind && failure.stage === stage).length;
  const figures = log.figures().toSorted((a, b) => REQUEST_KINDS.indexOf(a.kind) - REQUEST_KINDS.indexOf(b.kind));
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

export function failureSection({ failures, startedAt }: DemoReport): Section {
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

export function durationSection({ findings }: DemoReport): Section {
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
