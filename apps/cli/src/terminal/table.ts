/** A column: its heading and its alignment. */
export interface Column {
  readonly heading: string;
  /** `right` is for figures. Default: `left`. */
  readonly align?: 'left' | 'right';
}

/**
 * Formats rows as aligned lines, below the headings. Cells must be ASCII. The packages `table` and `cli-table3` are not used: they bring
 * ten dependencies for borders, colours and wide characters, which are not needed here.
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
