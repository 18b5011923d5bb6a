// Draws a chart with uPlot onto a canvas, which takes no style sheets: colours are read from the page
// when it is made, so it is made again for another theme. Chart.svelte is the part that people touch.

import uPlot from 'uplot';
import { lookOf } from './palette.ts';
import { type Line, Sampler } from './sampling.ts';
import type { ChartBand, ChartLevel, ChartLine, ChartMark } from './types.ts';

export interface Drawing {
  readonly lines: readonly ChartLine[];
  readonly bands: readonly ChartBand[];
  readonly levels: readonly ChartLevel[];
  readonly marks: readonly ChartMark[];
  readonly xLabel: string;
  readonly yLabel: string;
  readonly logX: boolean;
  readonly logY: boolean;
  readonly yRange?: readonly [low: number, high: number];
  readonly smoothing: number;
  readonly height: number;
  readonly format: (y: number) => string;
  /** Where the pointer is: an x, and each line's value at or before it; undefined when it left. */
  readonly onPoint: (x: number | undefined, values: (number | undefined)[]) => void;
}

/** Unsmoothed lines show faintly behind smoothed ones, where they do not hide each other. */
const MOST_FAINT = 6;
const FONT = '12px system-ui, sans-serif';

export class PlottedChart {
  readonly #drawing: Drawing;
  readonly #sampler = new Sampler();
  readonly #rows: readonly Line[];
  /** Of the first of `lines` among the rows. */
  readonly #firstLine: number;
  readonly #plot: uPlot;
  #zoom: readonly [number, number] | undefined;
  #frame = 0;

  constructor(element: HTMLElement, drawing: Drawing) {
    this.#drawing = drawing;
    const color = colorReader(element);
    const { lines, bands, smoothing } = drawing;
    const isFaint = smoothing > 0 && lines.length <= MOST_FAINT;
    const faint = isFaint ? lines.filter(({ isSparse }) => !isSparse) : [];
    const rowsOfBands = bands.flatMap(({ low, high }) => [
      { curve: low, smoothing: 0 },
      { curve: high, smoothing: 0 },
    ]);
    this.#rows = [
      ...rowsOfBands,
      ...faint.map(({ curve }) => ({ curve, smoothing: 0 })),
      ...lines.map(({ curve, isSparse }) => ({ curve, smoothing: isSparse ? 0 : smoothing })),
    ];
    this.#firstLine = rowsOfBands.length + faint.length;
    const lookFor = (line: ChartLine) => line.look ?? lookOf(line.id);
    const series: uPlot.Series[] = [
      {},
      ...rowsOfBands.map(() => ({ stroke: 'transparent', points: { show: false } })),
      ...faint.map((line) => ({
        stroke: color(lookFor(line).color),
        width: 1,
        alpha: 0.25,
        points: { show: false },
      })),
      ...lines.map((line) => ({
        stroke: color(lookFor(line).color),
        dash: [...lookFor(line).dash],
        width: 1.75,
        points: { show: line.curve.length === 1 },
      })),
    ];
    this.#plot = new uPlot(
      {
        width: Math.max(200, element.clientWidth),
        height: drawing.height,
        pxAlign: 0,
        series: series.map((one) => ({ spanGaps: true, ...one })),
        bands: bands.map(({ color: wanted = 'var(--series-7)' }, i) => ({
          series: [2 * i + 2, 2 * i + 1],
          fill: translucent(color(wanted)),
        })),
        scales: {
          x: { time: false, distr: drawing.logX ? 3 : 1 },
          y: { distr: drawing.logY ? 3 : 1, range: (_, low, high) => yRange(drawing, low, high) },
        },
        axes: [axis(drawing.xLabel, color, 32), axis(drawing.yLabel, color, 56)],
        legend: { show: false },
        cursor: { y: false, points: { size: 6 }, drag: { x: true, y: false, setScale: false } },
        hooks: {
          setSelect: [(plot) => this.#zoomTo(plot)],
          setCursor: [(plot) => this.#tellPoint(plot)],
          draw: [
            (plot) => drawAnnotations(plot, drawing, color('var(--ink)'), color('var(--paper)')),
          ],
        },
      },
      this.#data(),
      element,
    );
    this.#plot.over.addEventListener('dblclick', () => {
      this.#zoom = undefined;
      this.update();
    });
  }

  /** Draws what is new, in the next animation frame, however often it is called until then. */
  update(): void {
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#plot.setData(this.#data(), true);
      if (this.#zoom) this.#plot.setScale('x', { min: this.#zoom[0], max: this.#zoom[1] });
    });
  }

  resize(width: number): void {
    this.#plot.setSize({ width: Math.max(200, width), height: this.#drawing.height });
    this.update();
  }

  destroy(): void {
    cancelAnimationFrame(this.#frame);
    this.#plot.destroy();
  }

  #data(): uPlot.AlignedData {
    const { logX, logY } = this.#drawing;
    // While it is being made there is no plot yet to ask for its width.
    const columns = Math.max(100, this.#plot?.over.clientWidth ?? 600);
    const sampled = this.#sampler.sample(this.#rows, { logX, range: this.#zoom, columns });
    const first = logX ? sampled.x.findIndex((x) => x > 0) : 0;
    const from = first < 0 ? sampled.x.length : first;
    const shown = (values: (number | null)[]) =>
      logY ? values.map((y) => (y !== null && y > 0 ? y : null)) : values;
    return [sampled.x.slice(from), ...sampled.y.map((values) => shown(values.slice(from)))];
  }

  #zoomTo(plot: uPlot): void {
    const { left, width } = plot.select;
    if (width < 5) return;
    this.#zoom = [plot.posToVal(left, 'x'), plot.posToVal(left + width, 'x')];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.update();
  }

  #tellPoint(plot: uPlot): void {
    const { idx } = plot.cursor;
    if (idx === null || idx === undefined) {
      this.#drawing.onPoint(undefined, []);
      return;
    }
    const values = this.#drawing.lines.map((_, i) => {
      const row = plot.data[1 + this.#firstLine + i] ?? [];
      for (let j = idx; j >= 0; j--) {
        const value = row[j];
        if (value !== null && value !== undefined) return value;
      }
      return undefined;
    });
    this.#drawing.onPoint(plot.data[0][idx], values);
  }
}

function axis(label: string, color: (css: string) => string, size: number): uPlot.Axis {
  return {
    label,
    labelFont: FONT,
    labelSize: 20,
    font: FONT,
    size,
    gap: 4,
    stroke: color('var(--quiet)'),
    grid: { stroke: color('var(--grid)'), width: 1 },
    ticks: { stroke: color('var(--grid)'), width: 1, size: 4 },
    values: (_, ticks) => ticks.map(tickText),
  };
}

/** As long as there is room for; uPlot leaves ticks out on logarithmic axes. */
function tickText(tick: number | null): string {
  if (tick === null) return '';
  return Math.abs(tick) < 1e6 ? tick.toLocaleString('en') : tick.toExponential(0);
}

/** Room for all lines and levels, with a little to spare; whole lines of nothing for no points. */
function yRange(
  { yRange: fixed, levels, logY }: Drawing,
  dataLow: number | null,
  dataHigh: number | null,
): [number, number] {
  if (fixed) return [...fixed];
  const values = [dataLow, dataHigh, ...levels.map(({ y }) => y)].filter(
    (y): y is number => y !== null && Number.isFinite(y) && (!logY || y > 0),
  );
  if (values.length === 0) return logY ? [0.1, 1] : [0, 1];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  if (logY) return [low / 1.25, high * 1.25];
  const margin = (high - low || Math.abs(high) || 1) * 0.06;
  return [low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin];
}

/** Levels across the plot and marks from its top to its bottom, each with its words. */
function drawAnnotations(plot: uPlot, drawing: Drawing, ink: string, paper: string): void {
  const { ctx, bbox } = plot;
  const { left, top, width, height } = bbox;
  const pixel = devicePixelRatio;
  const inside = (at: number, low: number, size: number) => at >= low && at <= low + size;
  ctx.save();
  ctx.font = `${11 * pixel}px system-ui, sans-serif`;
  const line = (x1: number, y1: number, x2: number, y2: number) => {
    ctx.strokeStyle = ink;
    ctx.lineWidth = pixel;
    ctx.setLineDash([pixel, 3 * pixel]);
    ctx.beginPath();
    ctx.moveTo(x1, y1);
    ctx.lineTo(x2, y2);
    ctx.stroke();
    ctx.setLineDash([]);
  };
  // A rim of paper keeps the words readable over lines.
  const words = (label: string, x: number, y: number, align: CanvasTextAlign) => {
    ctx.textAlign = align;
    ctx.lineWidth = 4 * pixel;
    ctx.strokeStyle = paper;
    ctx.strokeText(label, x, y);
    ctx.fillStyle = ink;
    ctx.fillText(label, x, y);
  };
  for (const { x, label } of drawing.marks) {
    const at = plot.valToPos(x, 'x', true);
    if (!inside(at, left, width)) continue;
    line(at, top, at, top + height);
    const isLeft = at < left + width / 2;
    words(label, at + (isLeft ? 4 : -4) * pixel, top + 12 * pixel, isLeft ? 'left' : 'right');
  }
  for (const { y, label } of drawing.levels) {
    const at = plot.valToPos(y, 'y', true);
    if (!inside(at, top, height)) continue;
    line(left, at, left + width, at);
    const baseline = at - 4 * pixel < top + 12 * pixel ? at + 13 * pixel : at - 4 * pixel;
    words(label, left + width - 4 * pixel, baseline, 'right');
  }
  ctx.restore();
}

/** What a CSS colour is here and now, with variables and light-dark() worked out. */
function colorReader(element: HTMLElement): (css: string) => string {
  return (css) => {
    const probe = document.createElement('span');
    probe.style.color = css;
    element.append(probe);
    const { color } = getComputedStyle(probe);
    probe.remove();
    return color;
  };
}

function translucent(rgb: string): string {
  return rgb.replace(/^rgb\((.*)\)$/, 'rgba($1, 0.18)');
}
