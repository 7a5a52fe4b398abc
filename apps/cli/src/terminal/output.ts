/** Shown for an unknown value, instead of 0. */
const UNKNOWN = '?';

/** The members of a standard stream that the CLI uses. */
export interface TextStream {
  write(text: string): unknown;
  /** Whether the stream is a terminal; undefined for pipes and files. */
  readonly isTTY?: boolean | undefined;
  /** The width in characters; only of a TTY. */
  readonly columns?: number | undefined;
}

/** The output streams: results go to `out`, so that they can be piped; progress, hints and errors go to `err`. */
export interface Terminal {
  readonly out: TextStream;
  readonly err: TextStream;
}

/**
 * Makes untrusted text safe to print on one line of a terminal. It writes control characters as JSON escapes: rejected rows can contain
 * any uploaded text, and a terminal runs the control sequences that it receives.
 */
export function printable(text: string): string {
  // Includes bidirectional controls, which change the order in which a line is displayed.
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    Array.from({ length: character.length }, (_, at) => escaped(character.charCodeAt(at))).join(''),
  );
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}

/** Makes text of several lines safe to print, and keeps the line breaks. */
export function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => printable(line))
    .join('\n');
}

/** Formats an integer with thousands separators, such as `61,234`; `?` if unknown. */
export function count(value: number | null | undefined): string {
  return value === null || value === undefined ? UNKNOWN : Math.round(value).toLocaleString('en-US');
}

/** Formats a duration as `0:04`, `3:20` or `2:05:00`; `?` if unknown. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return UNKNOWN;
  const whole = Math.ceil(seconds);
  const [hours, minutes] = [Math.floor(whole / 3_600), Math.floor((whole % 3_600) / 60)];
  return hours > 0 ? `${hours}:${twoDigits(minutes)}:${twoDigits(whole % 60)}` : `${minutes}:${twoDigits(whole % 60)}`;
}

function twoDigits(part: number): string {
  return String(part).padStart(2, '0');
}

/** Formats a number of bytes as `512 B`, `1.5 MiB` or `2.0 GiB`. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = value === 0 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(value) / 10));
  return `${(value / 1_024 ** power).toFixed(power === 0 ? 0 : 1)} ${units[power]}`;
}

/** A column: its heading and its alignment. */
interface Column {
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

/**
 * Prints a list of any length item by item, in constant memory: as lines, or as a JSON array. It prints no table, because the widths of its
 * columns would require all items at once.
 * @returns how many items there are
 */
export async function printList<T>(
  out: TextStream,
  items: AsyncIterable<T>,
  json: true | undefined,
  lineOf: (item: T) => string,
): Promise<number> {
  let listed = 0;
  for await (const item of items) {
    out.write(json ? `${listed === 0 ? '[' : ','}\n${JSON.stringify(item)}` : `${printable(lineOf(item))}\n`);
    listed += 1;
  }
  if (json) out.write(listed === 0 ? '[]\n' : '\n]\n');
  return listed;
}
