import type { DemoReport } from './demo-report.js';
import { sectionsOf } from './report-sections.js';
import type { Section } from './section.js';

/** Renders the report as Markdown. */
export function markdownOf(report: DemoReport): string {
  const { title, sections } = sectionsOf(report);
  return [`# ${title}`, '', ...sections.flatMap(section)].join('\n');
}

function section({ heading, text, table }: Section): string[] {
  return [
    `## ${heading}`,
    '',
    ...text.flatMap((paragraph) => [inline(paragraph), '']),
    ...(table === undefined ? [] : [...rows([table.head, table.head.map(() => '---'), ...table.rows]), '']),
  ];
}

function rows(all: readonly (readonly string[])[]): string[] {
  return all.map((cells) => `| ${cells.map((cell) => inline(cell)).join(' | ')} |`);
}

/** JSON and other values may have characters with a meaning. */
function inline(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ').replaceAll('<', '&lt;');
}
