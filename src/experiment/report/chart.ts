// A line chart as SVG text. The chart libraries that are kept draw into a DOM, which Node has not;
// bringing one along (some megabytes) for five kinds of lines would cost more than these functions,
// which use nothing. The SVG stands alone and inside a page: its colours are CSS variables of the
// page with values of their own behind them.

import { xmlText } from '../../util/foreign-text.ts';
import type { Point } from './data.ts';

export interface Series {
  readonly label: string;
  /** What the line itself is called, where it is one of several of a label. */
  readonly title?: string;
  readonly points: readonly Point[];
  readonly color: string;
  /** Line width in pixels (default 1.5). */
  readonly width?: number;
  readonly dashed?: boolean;
  /** Mark the points themselves (default: where there are few). */
  readonly dots?: boolean;
  /** Listed in the legend (default true). */
  readonly listed?: boolean;
  /** A line from point to point (default true). */
  readonly joined?: boolean;
}

/** A horizontal line, such as a published number. */
export interface Level {
  readonly y: number;
  readonly color: string;
  readonly label: string;
}

export interface Chart {
  /** What a reader who sees no picture is told. */
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly Series[];
  readonly levels?: readonly Level[];
  readonly yRange?: readonly [low: number, high: number];
  /** The y axis begins below the smallest value instead of at zero. */
  readonly fitted?: boolean;
  /** Where values are no numbers, or at no equal distances: their places and names. */
  readonly xTicks?: readonly { readonly at: number; readonly text: string }[];
  /** A logarithmic y axis, for learning rates. */
  readonly logarithmic?: boolean;
}

/** A chart that is drawn, with its caption. */
export interface Figure {
  /** Part of a file name: `error-residual-notebook`. */
  readonly id: string;
  readonly caption: string;
  readonly svg: string;
}

/** Readable side by side without likeness in grey or for the colour-blind (Okabe and Ito, 2008). */
export const COLORS = [
  '#0072b2',
  '#d55e00',
  '#009e73',
  '#cc79a7',
  '#e69f00',
  '#56b4e9',
  '#7f7f7f',
  '#8c564b',
] as const;

/** As many as asked for: those above, then hues as far apart as can be. */
export function paletteColor(index: number): string {
  const beyond = index - COLORS.length;
  // The golden angle: each next hue lies in the widest gap.
  return COLORS[index] ?? `hsl(${Math.round((beyond * 137.5 + 60) % 360)} 55% 42%)`;
}

const WIDTH = 480;
const PLOT_HEIGHT = 250;
const MARGIN = { left: 62, right: 14, top: 10, bottom: 42 } as const;
const LEGEND_LINE = 18;
/** A letter of the legend is about this wide at 13 pixels. */
const LETTER = 7;
/** Room for half a dot around the plot. */
const EDGE = 6;
/** With so few points the points themselves are drawn, too. */
const FEW_POINTS = 12;

export function drawChart(chart: Chart): string {
  const legend = layOutLegend(chart);
  const height = PLOT_HEIGHT + legend.height;
  const scales = makeScales(chart, legend.height);
  const body = [
    `<title>${xmlText(chart.title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="var(--paper, #fff)"/>`,
    ...legend.items,
    ...axes(chart, scales),
    openPlot(scales),
    ...(chart.levels ?? []).map((level) => drawLevel(level, scales)),
    ...chart.series.map((series) => drawSeries(series, scales)),
    '</svg>',
  ];
  return `<svg xmlns="http://www.w3.org/2000/svg" class="chart"${scaleFacts(chart, scales)} viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="system-ui, sans-serif" font-size="13" fill="var(--ink, #222)">\n${body.join('\n')}\n</svg>\n`;
}

/** What a page needs to say the values at a place: where two values of each axis lie, in pixels. */
function scaleFacts(chart: Chart, { x, y, xRange, yRange, top, bottom, right }: Scales): string {
  const facts = {
    x: [...xRange, ...xRange.map(x)],
    y: [...yRange, ...yRange.map(y)],
    box: [MARGIN.left, top, right, bottom],
    log: chart.logarithmic === true,
    names: chart.xTicks?.map(({ text }) => text),
    labels: [chart.xLabel, chart.yLabel],
  };
  return ` data-scale="${xmlText(JSON.stringify(facts))}"`;
}

/** Cuts off what is too large, but not the thickness of a line or dot on the other three edges. */
function openPlot({ top, bottom, right }: Scales): string {
  const x = MARGIN.left - EDGE;
  const box = `${x} ${top} ${right - x + EDGE} ${bottom - top + EDGE}`;
  const [left, upper, width, height] = box.split(' ');
  return `<svg x="${left}" y="${upper}" width="${width}" height="${height}" viewBox="${box}">`;
}

interface Scales {
  readonly xRange: readonly [number, number];
  readonly yRange: readonly [number, number];
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly xTicks: NonNullable<Chart['xTicks']>;
  readonly yTicks: readonly number[];
  readonly top: number;
  readonly bottom: number;
  readonly right: number;
}

function makeScales(chart: Chart, legendHeight: number): Scales {
  const all = chart.series.flatMap(({ points }) => points);
  const xs = all.map(([x]) => x);
  // Values by name have room on both sides.
  const places = chart.xTicks?.map((tick) => tick.at);
  const xHigh = places ? Math.max(...places) + 0.4 : Math.max(1, ...xs);
  const xLow = places ? Math.min(...places) - 0.4 : Math.min(0, ...xs);
  const [yLow, yHigh] = yRangeOf(chart);
  const top = MARGIN.top + legendHeight;
  const bottom = PLOT_HEIGHT + legendHeight - MARGIN.bottom;
  const right = WIDTH - MARGIN.right;
  const log = chart.logarithmic === true;
  const height = (value: number) => (log ? Math.log10(value) : value);
  const x = (value: number) =>
    MARGIN.left + ((value - xLow) / (xHigh - xLow)) * (right - MARGIN.left);
  const y = (value: number) =>
    bottom - ((height(value) - height(yLow)) / (height(yHigh) - height(yLow))) * (bottom - top);
  return {
    xRange: [xLow, xHigh],
    yRange: [yLow, yHigh],
    x,
    y,
    xTicks:
      chart.xTicks ?? niceTicks(xLow, xHigh, 6).map((tick) => ({ at: tick, text: tickText(tick) })),
    yTicks: log ? decades(yLow, yHigh) : niceTicks(yLow, yHigh, 6),
    top,
    bottom,
    right,
  };
}

function yRangeOf({
  series,
  levels = [],
  yRange,
  logarithmic,
  fitted,
}: Chart): readonly [number, number] {
  if (yRange) return yRange;
  const values = [
    ...series.flatMap(({ points }) => points.map(([, y]) => y)),
    ...levels.map(({ y }) => y),
  ];
  const positive = values.filter((value) => value > 0);
  if (logarithmic) {
    const low = Math.min(...positive, 1);
    const high = Math.max(...positive, low);
    return [low / 2, high * 2];
  }
  const high = Math.max(...values, 0);
  if (fitted && values.length > 0) return fittedRange(Math.min(...values), high);
  return [0, high > 0 ? high * 1.05 : 1];
}

/** Ends at round numbers around the values; from zero, where that costs little of the height. */
export function fittedRange(low: number, high: number): readonly [number, number] {
  if (low < 0.35 * high) return [0, high > 0 ? high * 1.05 : 1];
  const margin = 0.15 * (high - low || high || 1);
  const [step = 1] = niceTicks(0, high - low + 2 * margin, 6).slice(1);
  return [
    Math.max(0, Math.floor((low - margin) / step) * step),
    Math.ceil((high + margin) / step) * step,
  ];
}

function axes(chart: Chart, scales: Scales): string[] {
  const { x, y, xTicks, yTicks, top, bottom, right } = scales;
  const middle = (MARGIN.left + right) / 2;
  const center = (top + bottom) / 2;
  return [
    ...yTicks.map(
      (tick) =>
        `<path d="M${MARGIN.left} ${at(y(tick))}H${right}" stroke="var(--grid, #e3e3e3)"/><text x="${MARGIN.left - 6}" y="${at(y(tick) + 4)}" text-anchor="end">${tickText(tick)}</text>`,
    ),
    ...xTicks.map(
      (tick) =>
        `<path d="M${at(x(tick.at))} ${bottom}v4" stroke="currentColor"/><text x="${at(x(tick.at))}" y="${bottom + 17}" text-anchor="middle">${xmlText(tick.text)}</text>`,
    ),
    `<path d="M${MARGIN.left} ${top}V${bottom}H${right}" fill="none" stroke="var(--axis, #888)"/>`,
    `<text x="${middle}" y="${bottom + 36}" text-anchor="middle">${xmlText(chart.xLabel)}</text>`,
    `<text transform="translate(13 ${center}) rotate(-90)" text-anchor="middle">${xmlText(chart.yLabel)}</text>`,
  ];
}

function drawSeries(
  {
    label,
    title = label,
    points,
    color,
    width = 1.5,
    dashed,
    joined = true,
    dots = points.length <= FEW_POINTS,
  }: Series,
  { x, y }: Scales,
): string {
  if (points.length === 0) return '';
  const places = points.map(([px, py]) => `${at(x(px))} ${at(y(py))}`);
  const dash = dashed ? ' stroke-dasharray="4 3"' : '';
  const name = xmlText(title);
  const line = `<path class="line" data-label="${name}" d="M${places.join('L')}" fill="none" stroke="${joined ? color : 'none'}" stroke-width="${width}" stroke-linejoin="round"${dash}><title>${name}</title></path>`;
  if (!dots) return line;
  const circles = points.map(
    ([px, py]) => `<circle cx="${at(x(px))}" cy="${at(y(py))}" r="${width + 1}" fill="${color}"/>`,
  );
  return line + circles.join('');
}

function drawLevel({ y: value, color, label }: Level, { y, right }: Scales): string {
  return `<path d="M${MARGIN.left} ${at(y(value))}H${right}" stroke="${color}" stroke-width="1" stroke-dasharray="1 3"><title>${xmlText(label)}</title></path>`;
}

function layOutLegend({ series }: Chart): { items: string[]; height: number } {
  const items: string[] = [];
  let x: number = MARGIN.left;
  let line = 0;
  const listed = series.filter(({ listed = true }) => listed);
  for (const { label, color, dashed, width = 1.5 } of listed) {
    const length = 28 + label.length * LETTER + 12;
    if (x > MARGIN.left && x + length > WIDTH - MARGIN.right) {
      x = MARGIN.left;
      line++;
    }
    const y = MARGIN.top + line * LEGEND_LINE + 6;
    const dash = dashed ? ' stroke-dasharray="4 3"' : '';
    items.push(
      `<path d="M${at(x)} ${y}h22" stroke="${color}" stroke-width="${width}"${dash}/><text x="${at(x + 27)}" y="${y + 4}">${xmlText(label)}</text>`,
    );
    x += length;
  }
  return { items, height: listed.length === 0 ? 0 : (line + 1) * LEGEND_LINE + 4 };
}

/** Round numbers (1, 2 or 5 times a power of ten) between the ends, at most about `most` of them. */
export function niceTicks(low: number, high: number, most: number): number[] {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= rough) ?? rough;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high * (1 + 1e-9); i++) {
    ticks.push(Number((i * step).toPrecision(12)));
  }
  return ticks;
}

function decades(low: number, high: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.ceil(Math.log10(low)); 10 ** power <= high; power++) {
    ticks.push(Number((10 ** power).toPrecision(6)));
  }
  return ticks;
}

/** 64000 → `64k`. */
function tickText(value: number): string {
  if (Math.abs(value) >= 1e6) return `${Number((value / 1e6).toPrecision(6))}M`;
  return Math.abs(value) >= 1000 ? `${Number((value / 1000).toPrecision(6))}k` : String(value);
}

/** One digit after the point is a tenth of a pixel. */
function at(value: number): string {
  return String(Math.round(value * 10) / 10);
}
