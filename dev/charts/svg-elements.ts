/** Elements of an SVG as text, for hand-written charts. */

export function line(x1: number, y1: number, x2: number, y2: number, attributes: string): string {
  return `<line x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}" ${attributes}/>`;
}

export function rectangle(x: number, y: number, width: number, height: number, attributes: string): string {
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" ${attributes}/>`;
}

/** @param content the unescaped text */
export function text(x: number, y: number, content: string, attributes = ''): string {
  return `<text x="${x}" y="${y}"${attributes === '' ? '' : ` ${attributes}`}>${escaped(content)}</text>`;
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

export function escaped(content: string): string {
  return content.replace(/[&<>"]/g, (character) => ENTITIES[character] ?? character);
}

/** Rounds to a tenth of a pixel: more digits would make no visible difference. */
export function rounded(pixels: number): number {
  return Math.round(pixels * 10) / 10;
}

/** Returns a whole chart on white, so that it is readable on pages of any colour. Title and description are for screen readers. */
export function svgDocument(
  { width, height, title, subtitle }: { width: number; height: number; title: string; subtitle: string },
  elements: readonly string[],
): string {
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" font-family="system-ui, sans-serif" font-size="12" fill="#24292f">`,
    `<title>${escaped(title)}</title>`,
    `<desc>${escaped(subtitle)}</desc>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    ...elements,
    '</svg>',
  ].join('\n')}\n`;
}
