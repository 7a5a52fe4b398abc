import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const PAGE = new URL('../', import.meta.url);
/** Contrast that WCAG 2.2 level AA requires of text, and of borders of controls and lines of a chart. */
const TEXT = 4.5;
const GRAPHICS = 3;
const BACKGROUNDS = ['card', 'back'];
const ON_BACKGROUNDS = ['text', 'muted', 'accent', 'good', 'warn', 'bad', 'produced', 'saved', 'mark', 'control'];
/** Widths of screens and of content, and what belongs to one element only. */
const OWN_SIZES =
  /(min|max)-(width|height)|width:|grid-template-columns|flex:|clip-path|height: [12]\d*px|font:|93\.75%/;

const tokens = readFileSync(new URL('styles/tokens.css', PAGE), 'utf8');
const schemes = new Map(
  [...tokens.matchAll(/--([\w-]+): light-dark\((#\w+), (#\w+)\)/g)].map(([, name = '', light = '', dark = '']) => [
    name,
    [light, dark] as const,
  ]),
);

describe('the colours of the page', () => {
  it.each(ON_BACKGROUNDS)('--%s has enough contrast on both backgrounds', (name) => {
    const contrasts = [0, 1].map((scheme) => Math.min(...BACKGROUNDS.map((on) => contrast(name, on, scheme))));
    expect(Math.min(...contrasts)).toBeGreaterThanOrEqual(name === 'control' ? GRAPHICS : TEXT);
  });

  it('have enough contrast on a filled button', () => {
    const contrasts = [0, 1].map((scheme) => contrast('on-accent', 'accent', scheme));
    expect(Math.min(...contrasts)).toBeGreaterThanOrEqual(TEXT);
  });
});

describe('the style sheets', () => {
  it('say what every token is for', () => {
    const lines = tokens.split('\n').filter((line) => /^ {2}--[\w-]+:/.test(line));
    expect(lines.length).toBeGreaterThan(30);
    expect(lines.filter((line) => !/; \/\* .+ \*\/$/.test(line))).toEqual([]);
  });

  it('use tokens for every colour, space and size of type', () => {
    const sheets = readdirSync(PAGE, { recursive: true, encoding: 'utf8' }).filter(
      (path) => path.endsWith('.css') && !path.endsWith('tokens.css'),
    );
    const placed = sheets.flatMap((path) =>
      readFileSync(new URL(path, PAGE), 'utf8')
        .replaceAll(/\/\*[^]*?\*\//g, '')
        .split('\n')
        .filter((line) => /#[\da-f]{3,8}\b|\b[\d.]+(px|rem|em)\b|rgb\(/i.test(line) && !OWN_SIZES.test(line))
        .map((line) => `${path}: ${line.trim()}`),
    );
    expect(placed).toEqual([]);
  });
});

function contrast(name: string, on: string, scheme: number): number {
  const [light = 0, dark = 0] = [name, on]
    .map((each) => luminance(schemes.get(each)?.[scheme] ?? '#000000'))
    .toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

/** Relative luminance by WCAG 2.2. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((value) => (value <= 0.040_45 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
