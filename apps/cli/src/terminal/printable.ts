/**
 * A text from elsewhere on one line of the terminal. Control characters are written as JSON escapes: rejected rows hold whatever
 * somebody uploaded, and a terminal obeys what it is sent.
 */
export function printable(text: string): string {
  // Also the bidirectional controls, which make a line read otherwise than it is.
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) =>
    Array.from({ length: character.length }, (_, at) => escaped(character.charCodeAt(at))).join(''),
  );
}

function escaped(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}

/** The same for a text of several lines, which stay lines. */
export function printableLines(text: string): string {
  return text
    .split('\n')
    .map((line) => printable(line))
    .join('\n');
}
