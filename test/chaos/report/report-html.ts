import { escaped } from '../../../dev/charts/svg-elements.js';
import { faultLines, isGreen, NOT_SHOWN, setUpOf, type Reported } from './reported.js';
import { timelineChart } from './timeline-chart.js';

const STYLE = `
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
  body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.6rem; border-bottom: 1px solid #8886; }
  .good { color: #1a7f37; } .bad { color: #cf222e; font-weight: 600; }
  svg { max-width: 100%; height: auto; }
  @media (prefers-color-scheme: dark) { .good { color: #3fb950; } .bad { color: #ff7b72; } }
`;

/** Renders the report as a self-contained HTML page. */
export function htmlOf(reported: Reported): string {
  const { findings, history, machine } = reported;
  const { facts, again, leftOut } = setUpOf(reported);
  const verdict = isGreen(reported) ? 'All checks passed' : 'A check failed';
  const rows = findings.map(
    ({ name, holds, detail }) =>
      `<tr><td>${escaped(name)}</td><td class="${holds ? 'good' : 'bad'}">${holds ? 'passed' : 'failed'}</td><td>${escaped(detail)}</td></tr>`,
  );
  const faults = faultLines(history).map(
    (cells) => `<tr>${cells.map((cell) => `<td>${escaped(cell)}</td>`).join('')}</tr>`,
  );
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Fault run: ${verdict}</title><style>${STYLE}</style></head>
<body>
<h1 class="${isGreen(reported) ? 'good' : 'bad'}">${verdict}</h1>
<p>${escaped(facts)}</p>
<p>To run it again: <code>${escaped(again)}</code>. The same seed draws the same faults in the same order; how far the pipeline is when each one begins differs from run to run.</p>
${leftOut.map((line) => `<p>${escaped(line)}</p>`).join('\n')}
<table><thead><tr><th>Check</th><th>Result</th><th>Measured</th></tr></thead><tbody>
${rows.join('\n')}
</tbody></table>
<h2>What this does not show</h2>
<ul>${NOT_SHOWN.map((line) => `<li>${escaped(line)}</li>`).join('')}</ul>
<h2>Timeline</h2>
${timelineChart(history, `all on ${machine.cores} cores and ${machine.memoryGiB} GiB; means of five seconds`)}
<h2>Faults</h2>
<table><thead><tr><th>Began at, s</th><th>Fault</th><th>Subject</th><th>Lasted, s</th><th>Recovered after, s</th></tr></thead><tbody>
${faults.join('\n')}
</tbody></table>
</body>
</html>
`;
}
