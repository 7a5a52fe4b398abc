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
