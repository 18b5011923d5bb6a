// The page's style sheet: readable on a telephone, on paper, in the dark; wide tables scroll in
// themselves, never the page.

export const STYLE = `
:root { color-scheme: light dark; --paper: #fff; --ink: #222; --grid: #e3e3e3; --axis: #888; --soft: #f4f4f2; --link: #0a5ea8; --bad: #a4262c; }
@media (prefers-color-scheme: dark) { :root { --paper: #16181b; --ink: #e6e6e3; --grid: #33373c; --axis: #8a8f96; --soft: #202327; --link: #7db8ec; --bad: #ff9a93; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 84rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
a { color: var(--link); }
.about, .note, .caption, figcaption { font-size: .875rem; }
.caption { margin: .75rem 0 .25rem; }
.note { max-width: 60rem; margin: .5rem 0; }
.wide { overflow-x: auto; margin: 0 0 .75rem; }
table { border-collapse: collapse; font-size: .875rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .5rem; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--grid); }
thead th { white-space: normal; min-width: 3.5rem; border-bottom: 2px solid var(--axis); vertical-align: bottom; }
.left { text-align: left; }
td.left { white-space: normal; min-width: 7rem; overflow-wrap: anywhere; }
th button { all: inherit; display: inline; padding: 0; border: 0; min-width: 0; cursor: pointer; }
th button:focus-visible { outline: 2px solid var(--link); }
th[aria-sort=ascending] button::after { content: ' ▲'; }
th[aria-sort=descending] button::after { content: ' ▼'; }
.swatch { display: inline-block; width: .7em; height: .7em; margin-right: .4em; border-radius: 2px; }
.tip { position: absolute; margin: 0; padding: .2rem .5rem; max-width: 20rem; background: var(--soft); border: 1px solid var(--axis); border-radius: 4px; font-size: .8rem; pointer-events: none; z-index: 1; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 27rem), 1fr)); gap: 1.25rem; }
figure { margin: 0; min-width: 0; }
figure svg { display: block; width: 100%; height: auto; }
.failed { color: var(--bad); overflow-wrap: anywhere; }
details { margin: .4rem 0; }
summary { cursor: pointer; }
pre { overflow-x: auto; background: var(--soft); padding: .75rem; font-size: .8rem; }
.confusion th { min-width: 0; }
.confusion td { --hue: #d55e00; background: color-mix(in srgb, var(--hue) var(--share, 0%), transparent); }
.confusion td.right { --hue: #009e73; }
@media print { main { max-width: none; } details > * { display: block; } }
`;
