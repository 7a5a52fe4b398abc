/** A column: its heading, and where its cells stand. */
export interface Column {
  readonly heading: string;
  /** Figures read from the right. */
  readonly align?: 'left' | 'right';
}

/**
 * Rows as aligned lines, the headings first; cells are ASCII. Own code, since the packages for it (`table`, `cli-table3`) bring ten
 * more for borders, colours and wide characters, none of which stands here.
 */
export function tableOf(columns: readonly Column[], rows: readonly (readonly string[])[]): string {
  const all = [columns.map(({ heading }) => heading), ...rows];
  const widths = columns.map((_, at) => Math.max(...all.map((row) => row[at]?.length ?? 0)));
  const lines = all.map((row) =>
    columns
      .map(({ align = 'left' }, at) =>
        align === 'right' ? (row[at] ?? '').padStart(widths[at] ?? 0) : (row[at] ?? '').padEnd(widths[at] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  return lines.join('\n');
}
