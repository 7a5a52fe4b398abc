/** A part of a report, for every format. */
export interface Section {
  readonly heading: string;
  readonly text: readonly string[];
  readonly table?: { readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] };
  /** A chart: part of the HTML, and a file beside the Markdown. */
  readonly figure?: { readonly svg: string; readonly file: string; readonly alt: string };
}

/** A report for people. */
export interface ReportDocument {
  readonly title: string;
  readonly sections: readonly Section[];
}

/** Renders a report as Markdown. */
export function markdownOf({ title, sections }: ReportDocument): string {
  return [`# ${title}`, '', ...sections.flatMap(markdownSection)].join('\n');
}

function markdownSection({ heading, text, table, figure }: Section): string[] {
  return [
    `## ${heading}`,
    '',
    ...text.flatMap((paragraph) => [inline(paragraph), '']),
    ...(figure === undefined ? [] : [`![${figure.alt}](${figure.file})`, '']),
    ...(table === undefined ? [] : [...markdownRows([table.head, table.head.map(() => '---'), ...table.rows]), '']),
  ];
}

function markdownRows(all: readonly (readonly string[])[]): string[] {
  return all.map((cells) => `| ${cells.map((cell) => inline(cell)).join(' | ')} |`);
}

/** JSON and other values may have characters with a meaning. */
function inline(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;');
}

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

/** Renders a report as a self-contained HTML page. */
export function htmlOf({ title, sections }: ReportDocument): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escaped(title)}</title><style>${STYLE}</style></head>
<body>
<h1>${escaped(title)}</h1>
${sections.map(htmlSection).join('\n')}
</body>
</html>
`;
}

function htmlSection({ heading, text, table, figure }: Section): string {
  const paragraphs = text.map((paragraph) => `<p>${escaped(paragraph)}</p>`);
  const head = table?.head.map((cell) => `<th scope="col">${escaped(cell)}</th>`).join('') ?? '';
  const rows = table?.rows.map((cells) => `<tr>${cells.map(htmlCell).join('')}</tr>`) ?? [];
  const shown = [`<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>`, ...rows, '</tbody></table></div>'];
  return [`<h2>${escaped(heading)}</h2>`, ...paragraphs, figure?.svg ?? '', ...(table === undefined ? [] : shown)].join(
    '\n',
  );
}

function htmlCell(text: string): string {
  const kind = text === 'passed' || text === 'FAILED' ? text : /^[\d.,]+( (ms|%))?$/.test(text) ? 'number' : '';
  return `<td${kind === '' ? '' : ` class="${kind}"`}>${escaped(text)}</td>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

/** Returns a text as it is written in HTML and SVG. */
export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}
