// What a chart shows, as its users say it.

import type { Curve } from './curve.ts';
import type { LineLook } from './palette.ts';

/** One line with its name in the legend, where it can be switched off. */
export interface ChartLine {
  /** Chooses the colour, so the same run has the same colour in every chart (unless `look` is given). */
  readonly id: string;
  readonly label: string;
  readonly curve: Curve;
  readonly look?: LineLook;
  /**
   * Drawn as measured: for values that come once an epoch, which a smoothing meant for those of every
   * step would leave far behind.
   */
  readonly isSparse?: boolean;
}

/** A horizontal line, such as the paper's number. */
export interface ChartLevel {
  readonly label: string;
  readonly y: number;
}

/** A vertical line where something was changed. */
export interface ChartMark {
  readonly label: string;
  readonly x: number;
}

/** A shaded area, such as the spread over seeds. */
export interface ChartBand {
  readonly label: string;
  readonly low: Curve;
  readonly high: Curve;
  /** A CSS colour; a variable of style.css (default: --series-7). */
  readonly color?: string;
}
