/**
 * Formats rows of cells as lines with aligned columns, two spaces apart.
 * @param left the left-aligned columns; the others hold figures and are right-aligned
 */
export function alignedRows(rows: readonly (readonly string[])[], left: ReadonlySet<number>): string[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  return rows.map((row) =>
    row
      .map((cell, column) => (left.has(column) ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd(),
  );
}
