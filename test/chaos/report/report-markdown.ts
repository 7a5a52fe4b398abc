import { faultLines, isGreen, NOT_SHOWN, setUpOf, type Reported } from './reported.js';

/** The report as Markdown; the chart beside it is `timeline.svg`. */
export function markdownOf(reported: Reported): string {
  const { findings, history } = reported;
  const { facts, again, leftOut } = setUpOf(reported);
  return [
    `# ${isGreen(reported) ? 'Nothing was lost' : 'Something does not hold'}`,
    '',
    facts,
    '',
    `Again: \`${again}\`. The same seed draws the same faults in the same order; how far the work is when each one comes is another each time.`,
    ...leftOut.flatMap((line) => ['', line]),
    '',
    ...table(
      ['what must hold', '', 'found'],
      findings.map(({ name, holds, detail }) => [name, holds ? 'holds' : '**does not hold**', detail]),
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
    ...table(['at, s', 'fault', 'to', 'lasted, s', 'recovered after, s'], faultLines(history)),
    '',
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
}
