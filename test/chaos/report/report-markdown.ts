import { faultLines, isGreen, NOT_SHOWN, setUpOf, type Reported } from './reported.js';

/** Renders the report as Markdown, with the chart `timeline.svg` beside it. */
export function markdownOf(reported: Reported): string {
  const { findings, history } = reported;
  const { facts, again, leftOut } = setUpOf(reported);
  return [
    `# ${isGreen(reported) ? 'All checks passed' : 'A check failed'}`,
    '',
    facts,
    '',
    `To run it again: \`${again}\`. The same seed draws the same faults in the same order; how far the pipeline is when each one begins differs from run to run.`,
    ...leftOut.flatMap((line) => ['', line]),
    '',
    ...table(
      ['check', 'result', 'measured'],
      findings.map(({ name, holds, detail }) => [name, holds ? 'passed' : '**failed**', detail]),
    ),
    '',
    '## What this does not show',
    '',
    ...NOT_SHOWN.map((line) => `- ${line}`),
    '',
    '![orders acknowledged and saved per second, with the faults](timeline.svg)',
    '',
    '## Faults',
    '',
    ...table(['began at, s', 'fault', 'subject', 'lasted, s', 'recovered after, s'], faultLines(history)),
    '',
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}
