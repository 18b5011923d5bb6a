// The chapters in the order in which they are read. A chapter is a folder with a Chapter.svelte in it,
// loaded when someone opens it; its id is its place in the address (`#/train`).

import type { Component } from 'svelte';
import type { ChapterId } from './chapter-id.ts';

export interface Chapter {
  readonly id: ChapterId;
  /** The heading. */
  readonly title: string;
  /** The name in the navigation, one or two short words. */
  readonly label: string;
  readonly load: () => Promise<{ default: Component }>;
}

export const CHAPTERS: readonly Chapter[] = [
  {
    id: 'why',
    title: 'Why residual networks',
    label: 'Why',
    load: () => import('./chapters/why/Chapter.svelte'),
  },
  {
    id: 'networks',
    title: 'The networks',
    label: 'Networks',
    load: () => import('./chapters/networks/Chapter.svelte'),
  },
  {
    id: 'images',
    title: 'The images',
    label: 'Images',
    load: () => import('./chapters/images/Chapter.svelte'),
  },
  {
    id: 'train',
    title: 'Train',
    label: 'Train',
    load: () => import('./chapters/train/Chapter.svelte'),
  },
  {
    id: 'test',
    title: 'Test',
    label: 'Test',
    load: () => import('./chapters/test/Chapter.svelte'),
  },
  {
    id: 'inside',
    title: 'Look inside',
    label: 'Inside',
    load: () => import('./chapters/inside/Chapter.svelte'),
  },
  {
    id: 'table',
    title: 'Table 6',
    label: 'Table 6',
    load: () => import('./chapters/table/Chapter.svelte'),
  },
];

/** The chapter of that name; the first one for a name that no chapter has. */
export function chapterOf(id: string): Chapter {
  return CHAPTERS.find((chapter) => chapter.id === id) ?? CHAPTERS[0]!;
}
