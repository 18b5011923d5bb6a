// Light or dark: what the system says, until the reader chooses. Colours themselves are in style.css;
// a canvas, which style sheets do not reach, asks `theme.effective` when to draw itself again.

const CHOICES = ['system', 'light', 'dark'] as const;
export type ThemeChoice = (typeof CHOICES)[number];

const KEY = 'table6-theme';
const systemIsDark = matchMedia('(prefers-color-scheme: dark)');

let choice = $state<ThemeChoice>(CHOICES.find((name) => name === stored()) ?? 'system');
let dark = $state(systemIsDark.matches);
systemIsDark.addEventListener('change', ({ matches }) => {
  dark = matches;
});
show();

export const theme = {
  get choice(): ThemeChoice {
    return choice;
  },
  set choice(name: ThemeChoice) {
    choice = name;
    show();
    try {
      localStorage.setItem(KEY, name);
    } catch {
      // A browser that stores nothing for this page forgets the choice with the tab.
    }
  },
  /** What is on the screen. */
  get effective(): 'light' | 'dark' {
    if (choice !== 'system') return choice;
    return dark ? 'dark' : 'light';
  },
};

function show() {
  if (choice === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
}

function stored(): string | null {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}
