import { escaped } from '../../charts/svg-elements.js';
import type { DemoReport } from './demo-report.js';
import { sectionsOf } from './report-sections.js';
import type { Section } from './section.js';

const STYLE = `
  :root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
  body { max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
  .wide { overflow-x: auto; }
  table { border-collapse: collapse; width: 100%; }
  th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.6rem; border-bottom: 1px solid #8886; }
  td { overflow-wrap: break-word; } .number { font-variant-numeric: tabular-nums; white-space: nowrap; }
  .passed { color: #1a7f37; } .FAILED { color: #cf222e; font-weight: 600; }
  @media (prefers-color-scheme: dark) { .passed { color: #3fb950; } .FAILED { color: #ff7b72; } }
`;

/** Renders the report as a self-contained HTML page. */
export function htmlOf(report: DemoReport): string {
  const { title, sections } = sectionsOf(report);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${STYLE}</style></head>
<body>
<h1>${escaped(title)}</h1>
${sections.map(section).join('\n')}
</body>
</html>
`;
}

function section({ heading, text, table }: Section): string {
  const paragraphs = text.map((paragraph) => `<p>${escaped(paragraph)}</p>`);
  const head = table?.head.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join('') ?? '';
  const rows = table?.rows.map((cells) => `<tr>${cells.map(cellOf).join('')}</tr>`) ?? [];
  const shown = [`<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>`, ...rows, '</tbody></table></div>'];
  return [`<h2>${escaped(heading)}</h2>`, ...paragraphs, ...(table === undefined ? [] : shown)].join('\n');
}

function cellOf(text: string): string {
  const kind = text === 'passed' || text === 'FAILED' ? text : /^[\d.,]+( (ms|%))?$/.test(text) ? 'number' : '';
  return `<td${kind === '' ? '' : ` class="${kind}"`}>${escaped(text)}</td>`;
}
