import uPlot from 'uplot';
import { html, type TemplateResult } from 'lit';
import { figure } from '../text/figures.js';
import { toMarks, type Mark } from './chart-marks.js';
import { LivePart } from './live-part.js';

const HEIGHT = 240;
/** Minimum range of the time axis, so that the first samples do not fill the whole chart. */
const MIN_RANGE_SECONDS = 120;

/**
 * Draws produced and saved records per second since the page was opened, with a mark for each scaling and rebalance. Uses uPlot, the
 * smallest library that draws a sample per second for hours.
 */
export class ThroughputChart extends LivePart {
  private plot: uPlot | undefined;
  private resized: ResizeObserver | undefined;
  private marks: readonly Mark[] = [];
  private readonly scheme = matchMedia('(prefers-color-scheme: dark)');
  private readonly recolour = (): void => this.rebuild();

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.scheme.removeEventListener('change', this.recolour);
    this.resized?.disconnect();
    this.plot?.destroy();
    this.plot = undefined;
  }

  protected override render(): TemplateResult {
    const { latest } = this.live;
    return html`<div
      class="chart"
      role="img"
      aria-label="Produced and saved per second, now ${figure(latest?.producedPerSecond)} and ${figure(latest?.savedPerSecond)}"
    ></div>`;
  }

  protected override firstUpdated(): void {
    this.rebuild();
    this.scheme.addEventListener('change', this.recolour);
    this.resized = new ResizeObserver(() => this.plot?.setSize({ width: this.place.clientWidth, height: HEIGHT }));
    this.resized.observe(this.place);
  }

  protected override updated(): void {
    // A tab in the background is not drawn; it catches up when it becomes visible.
    if (document.visibilityState === 'visible') this.plot?.setData(this.data());
  }

  private get place(): HTMLElement {
    return this.querySelector<HTMLElement>('.chart') ?? this;
  }

  private data(): uPlot.AlignedData {
    const { samples, latest } = this.live;
    this.marks = toMarks(latest?.changes ?? [], Date.now() / 1_000);
    return [
      samples.map(({ at }) => at),
      samples.map(({ produced }) => produced),
      samples.map(({ saved }) => saved),
    ] as uPlot.AlignedData;
  }

  private rebuild(): void {
    this.plot?.destroy();
    const colour = (name: string): string => this.colour(name);
    const axis = { stroke: colour('--muted'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false } };
    const options: uPlot.Options = {
      width: this.place.clientWidth,
      height: HEIGHT,
      padding: [16, 8, 0, 0],
      scales: {
        x: { range: (_plot, _min, max) => [Math.min(_min, max - MIN_RANGE_SECONDS), max] },
        y: { range: (_plot, _min, max) => [0, Math.max(10, max * 1.1)] },
      },
      axes: [axis, { ...axis, size: 60, values: (_plot, ticks) => ticks.map((tick) => figure(tick)) }],
      series: [{}, line('produced/s', colour('--produced')), line('saved/s', colour('--saved'))],
      hooks: { draw: [(plot) => this.drawMarks(plot, colour('--mark'))] },
    };
    this.plot = new uPlot(options, this.data(), this.place);
  }

  /** Resolves a custom property to a colour for the canvas; its raw value contains both colour schemes. */
  private colour(name: string): string {
    this.place.style.color = `var(${name})`;
    const { color } = getComputedStyle(this.place);
    this.place.style.color = '';
    return color;
  }

  private drawMarks(plot: uPlot, colour: string): void {
    const { ctx } = plot;
    const { left, top, width, height } = plot.bbox;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = colour;
    ctx.textAlign = 'left';
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    for (const { at, kind, label } of this.marks) {
      const x = plot.valToPos(at, 'x', true);
      if (x < left || x > left + width) continue;
      ctx.setLineDash(kind === 'rebalance' ? [2, 4] : []);
      ctx.globalAlpha = kind === 'rebalance' ? 0.5 : 1;
      ctx.beginPath();
      ctx.moveTo(x, top);
      ctx.lineTo(x, top + height);
      ctx.stroke();
      ctx.fillText(label, x + 4, top + 10 * devicePixelRatio);
    }
    ctx.restore();
  }
}

function line(label: string, stroke: string): uPlot.Series {
  return { label, stroke, width: 2, value: (_plot, value) => figure(value) };
}
