// What the tests of a chapter begin with: the page, built and served, and a browser, for as long as the
// tests of one file run; and what axe finds in a page.

import { AxeBuilder } from '@axe-core/playwright';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, vi } from 'vitest';
import { buildPage, launch, type Served, type Site, serve } from './site.ts';

/** Filled before the first test. */
export interface Host {
  /** Where the built page is. */
  readonly folder: string;
  readonly browser: Browser;
  /** Address of the page. */
  readonly url: string;
}

export interface HostOptions {
  /** Another page than the project's. */
  readonly build?: () => Promise<Site>;
  /** Whether the browser offers its software GPU. */
  readonly webgpu?: boolean;
}

/** Builds and opens the page for the tests around it, and ends all of it after them. */
export function hostPage(
  chromium: string | undefined,
  { build = buildPage, webgpu = false }: HostOptions = {},
): Host {
  vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });
  let site: Site | undefined;
  let served: Served | undefined;
  let browser: Browser | undefined;
  beforeAll(async () => {
    site = await build();
    served = await serve(site, { isolated: true });
    browser = await launch(chromium!, { webgpu });
  });
  afterAll(async () => {
    await browser?.close();
    await served?.[Symbol.asyncDispose]();
    site?.[Symbol.dispose]();
  });
  return {
    get folder() {
      return site!.folder;
    },
    get browser() {
      return browser!;
    },
    get url() {
      return served!.url;
    },
  };
}

/** What keeps people with other senses or devices from using a page: rules of axe and where they break. */
export async function violations(page: Page): Promise<string[]> {
  const found = await new AxeBuilder({ page }).analyze();
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`);
}
