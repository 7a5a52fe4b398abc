import { logarithmicScale, type LogarithmicScale } from '../charts/logarithmic-scale.js';
import { escaped, line, rectangle, rounded, svgDocument, text } from '../charts/svg-elements.js';
import type { ComparedWay } from './compared-way.js';
import type { ComparisonReport } from './comparison.js';
import { figure } from './figure.js';

const WIDTH = 860;
const LEFT = 130;
/** The width to the right of the longest bar, for its figures, in pixels. */
const RIGHT = 190;
const PLOT_WIDTH = WIDTH - LEFT - RIGHT;
const HEADER = 92;
const FOOTER = 54;
/** The height above the bars of one label, in pixels. */
const CAPTION = 24;
const BAR = 18;
const BETWEEN_BARS = 7;
const BETWEEN_GROUPS = 16;
/** The axis begins at the smallest value divided by this, which gives the shortest bar a minimum length. */
const MIN_LENGTH_FACTOR = 1.8;
/** How far the line of the theoretical minimum extends beyond its bar, in pixels. */
const TICK = 3;

const GREY = '#57606a';
/** The outline of a text over the grid. */
const HALO = 'stroke="#ffffff" stroke-width="4" stroke-linejoin="round" paint-order="stroke"';
const COLOURS = ['#6e7781', '#bc4c00', '#0969da', '#1a7f37'];

type Measured = ComparedWay & { readonly seconds: number };

/** Draws the comparison as bars on a logarithmic axis, each with its theoretical minimum. Omits ways that weren't measured. */
export function comparisonChart({ orders, saveMs, machine, results }: ComparisonReport): string {
  const measured = results.filter((way): way is Measured => way.seconds !== null);
  const values = measured.flatMap(({ seconds, theorySeconds }) => [seconds, Math.max(theorySeconds, seconds / 100)]);
  const scale = logarithmicScale(Math.min(1, ...values) / MIN_LENGTH_FACTOR, Math.max(1, ...values));
  const groups = [...Map.groupBy(measured, ({ label }) => label)];
  const elements: string[] = [];
  let top = HEADER;
  for (const [at, [label, ways]] of groups.entries()) {
    elements.push(caption(label, ways, top + 14));
    top += CAPTION;
    for (const way of ways) {
      elements.push(...bar(way, top, scale, COLOURS[at % COLOURS.length] ?? GREY));
      top += BAR + BETWEEN_BARS;
    }
    top += BETWEEN_GROUPS - BETWEEN_BARS;
  }
  const bottom = top - BETWEEN_GROUPS + 8;
  const title = titleOf(orders, measured);
  const subtitle = `the same ${whole(orders)} orders, each save waits ${saveMs.minimum} to ${saveMs.maximum} ms; Kafka, MongoDB, producer and consumers on ${machine.cores} cores`;
  return svgDocument({ width: WIDTH, height: bottom + FOOTER, title, subtitle }, [
    text(24, 32, title, 'font-size="17" font-weight="600"'),
    text(24, 52, subtitle, `fill="${GREY}"`),
    ...legend(measured.some(({ sampled }) => sampled)),
    ...axis(scale, bottom),
    ...elements,
  ]);
}

function titleOf(orders: number, measured: readonly Measured[]): string {
  const fastest = measured.reduce<Measured | undefined>(
    (best, way) => (best === undefined || way.seconds < best.seconds ? way : best),
    undefined,
  );
  if (fastest === undefined) return `${whole(orders)} slow saves`;
  const slowest = measured.find(({ inFlight }) => inFlight === 1);
  const before =
    slowest === undefined ? '' : `${slowest.sampled ? 'about ' : ''}${figure(slowest.seconds)} s one after another, `;
  return `${whole(orders)} slow saves: ${before}${figure(fastest.seconds)} s in flight`;
}

/** Draws what all bars of a group have in common. */
function caption(label: string, [way]: readonly Measured[], y: number): string {
  const atOnce = way === undefined ? '' : `${whole(way.inFlight)} at once`;
  const detail = `<tspan dx="8" font-weight="400" fill="${GREY}">${atOnce}</tspan>`;
  return `<text x="${LEFT + 6}" y="${y}" font-weight="600">${escaped(label)}${detail}</text>`;
}

function bar(way: Measured, top: number, scale: LogarithmicScale, colour: string): string[] {
  const { consumers, seconds, theorySeconds, sampled, ordersPerSecond, timesFaster } = way;
  const end = LEFT + scale.at(seconds) * PLOT_WIDTH;
  const theory = rounded(LEFT + scale.at(theorySeconds) * PLOT_WIDTH);
  const middle = top + BAR / 2 + 4;
  const facts = [
    ordersPerSecond === null ? '' : `${figure(ordersPerSecond)} orders/s`,
    timesFaster === null || timesFaster === 1 ? '' : `${figure(timesFaster)}×`,
  ];
  const labelled = `${sampled ? '~' : ''}${figure(seconds)} s`;
  // To the right of both the bar and its line.
  const after = rounded(Math.max(end, theory) + 10);
  const filled = sampled
    ? `fill="${colour}" fill-opacity="0.35" stroke="${colour}" stroke-dasharray="4 3"`
    : `fill="${colour}"`;
  return [
    text(LEFT - 10, middle, `${consumers} ${consumers === 1 ? 'consumer' : 'consumers'}`, 'text-anchor="end"'),
    rectangle(LEFT, top, rounded(end - LEFT), BAR, filled),
    line(theory, top - TICK, theory, top + BAR + TICK, 'stroke="#ffffff" stroke-width="4"'),
    line(theory, top - TICK, theory, top + BAR + TICK, 'stroke="#24292f" stroke-width="2"'),
    text(after, middle, labelled, `font-weight="600" ${HALO}`),
    text(
      rounded(after + labelled.length * 6.8 + 8),
      middle,
      facts.filter((fact) => fact !== '').join(', '),
      `fill="${GREY}" ${HALO}`,
    ),
  ];
}

function axis(scale: LogarithmicScale, bottom: number): string[] {
  return [
    ...scale.ticks.flatMap((tick) => {
      const x = rounded(LEFT + scale.at(tick) * PLOT_WIDTH);
      return [
        line(x, HEADER, x, bottom, 'stroke="#eaeef2"'),
        text(x, bottom + 17, tick.toLocaleString('en-US', { maximumFractionDigits: 6 }), 'text-anchor="middle"'),
      ];
    }),
    line(LEFT, HEADER, LEFT, bottom, `stroke="${GREY}"`),
    text(
      LEFT + PLOT_WIDTH / 2,
      bottom + 37,
      'seconds from the populate until all are saved; the axis is logarithmic',
      `text-anchor="middle" fill="${GREY}"`,
    ),
  ];
}

function legend(hasSamples: boolean): string[] {
  const y = 72;
  const theory = [
    line(27, y - 9, 27, y + 3, 'stroke="#24292f" stroke-width="2"'),
    text(36, y, 'theory: what the waits alone take', `fill="${GREY}"`),
  ];
  const sample = [
    rectangle(250, y - 9, 22, 11, `fill="${GREY}" fill-opacity="0.35" stroke="${GREY}" stroke-dasharray="4 3"`),
    text(280, y, 'calculated from a sample', `fill="${GREY}"`),
  ];
  return hasSamples ? [...theory, ...sample] : theory;
}

function whole(value: number): string {
  return value.toLocaleString('en-US');
}
