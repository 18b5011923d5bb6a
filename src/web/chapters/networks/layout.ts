// Where the parts of a network are drawn: rows of boxes, stage below stage, in CSS pixels, for any width.
// Networks of more than a hundred blocks get small boxes, with words only beside the drawing.

import type { Part } from './parts.ts';

export interface Box {
  readonly part: Part;
  readonly x: number;
  readonly y: number;
  /** Whether the next part is right of it. */
  readonly hasNext: boolean;
}

export interface Layout {
  readonly boxes: readonly Box[];
  /** A stage's name stands above its boxes. */
  readonly stages: readonly { readonly stage: number; readonly y: number }[];
  readonly width: number;
  readonly height: number;
  readonly isSmall: boolean;
  readonly columns: number;
  readonly box: { readonly width: number; readonly height: number };
}

const LARGE = { width: 116, height: 112, gap: 14 } as const;
const SMALL = { width: 15, height: 15, gap: 5 } as const;
/** Large boxes for so many blocks a stage. */
const MOST_LARGE = 18;
const TITLE = 26;
const BELOW = 14;

export function layOut(parts: readonly Part[], width: number): Layout {
  const isSmall = parts.filter(({ stage }) => stage === 1).length > MOST_LARGE;
  const box = isSmall ? SMALL : LARGE;
  const columns = Math.max(1, Math.floor((width + box.gap) / (box.width + box.gap)));
  const boxes: Box[] = [];
  const stages: { stage: number; y: number }[] = [];
  let top = 0;
  for (const stage of new Set(parts.map((part) => part.stage))) {
    stages.push({ stage, y: top + 16 });
    top += TITLE;
    const own = parts.filter((part) => part.stage === stage);
    own.forEach((part, i) => {
      const column = i % columns;
      boxes.push({
        part,
        x: column * (box.width + box.gap),
        y: top + Math.floor(i / columns) * (box.height + box.gap),
        hasNext: column < columns - 1 && i < own.length - 1,
      });
    });
    top += Math.ceil(own.length / columns) * (box.height + box.gap) - box.gap + BELOW;
  }
  return { boxes, stages, width, height: top, isSmall, columns, box };
}

/**
 * The box that an arrow key leads to.
 * @returns its place in `boxes`; the same one where the key leads nowhere
 */
export function moved({ boxes }: Layout, from: number, key: string): number {
  const last = boxes.length - 1;
  switch (key) {
    case 'ArrowRight':
      return Math.min(last, from + 1);
    case 'ArrowLeft':
      return Math.max(0, from - 1);
    case 'Home':
      return 0;
    case 'End':
      return last;
    case 'ArrowUp':
    case 'ArrowDown':
      return nearestRow(boxes, from, key === 'ArrowDown');
    default:
      return from;
  }
}

/** The box of the next row, down or up, that is nearest to the column. */
function nearestRow(boxes: readonly Box[], from: number, isDown: boolean): number {
  const { x, y } = boxes[from]!;
  const rows = boxes.map((box) => box.y).filter((other) => (isDown ? other > y : other < y));
  if (rows.length === 0) return from;
  const row = isDown ? Math.min(...rows) : Math.max(...rows);
  let nearest = from;
  let distance = Infinity;
  boxes.forEach((box, i) => {
    if (box.y !== row || Math.abs(box.x - x) >= distance) return;
    distance = Math.abs(box.x - x);
    nearest = i;
  });
  return nearest;
}
