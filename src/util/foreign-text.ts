// Text that somebody else wrote, such as class names, file names, the title of a data set or a message
// out of a file, as it may stand in each medium. One function a medium, and everything that is written goes
// through it, because whoever shows a text does not know where it came from: no sequence that a terminal
// obeys, no broken or executing XML and HTML, no markup in Markdown, no formula in a spreadsheet.

/**
 * Control characters but tab and newline, and what is as invisible: separators of lines, and the marks
 * that reverse the direction of the text behind them ("Trojan source").
 */
const INVISIBLE =
  /(?![\t\n])[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** For a terminal or a log: what it would obey is written out, such as `\x1b`. Lines stay lines. */
export function terminalText(text: string): string {
  return text.toWellFormed().replaceAll('\r\n', '\n').replace(INVISIBLE, written);
}

/** The same for what must stay on one line, such as a name in a table. */
export function lineText(text: string): string {
  return terminalText(text).replaceAll('\n', '\\n').replaceAll('\t', ' ');
}

/** The beginning of a name that may be of any length, for a message. */
export function shortened(name: string): string {
  return name.length > 80 ? `${name.slice(0, 80)}...` : name;
}

/** `\x1b`, `\u202e`. */
function written(character: string): string {
  const code = character.charCodeAt(0);
  const digits = code.toString(16);
  return code < 256 ? `\\x${digits.padStart(2, '0')}` : `\\u${digits.padStart(4, '0')}`;
}

/** For XML and HTML, between tags and in quoted attributes. */
export function xmlText(text: string): string {
  return terminalText(text)
    .replace(/[\ufffe\uffff]/g, written)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** For a paragraph, a heading, a link's text or a cell of Markdown: as it is read, on one line. */
export function markdownText(text: string): string {
  return (
    lineText(text)
      .replace(/[\\|*_`~<>[\]#&]/g, (character) => `\\${character}`)
      // An address becomes a link by itself on some pages, whatever it leads to.
      .replace(/:\/\//g, ':\\/\\/')
      .replace(/^(\s*)([-+=])/, '$1\\$2')
      // "1. " begins a list; 8.75 is a number.
      .replace(/^(\s*\d+)([.)])(?=\s|$)/, '$1\\$2')
  );
}

/** A cell of a CSV file; one that a spreadsheet would take for a formula is text by its apostrophe. */
export function csvText(text: string): string {
  const plain = lineText(text);
  const safe = /^\s*[=+\-@＝＋－＠]/.test(plain) ? `'${plain}` : plain;
  return /[",;]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** JSON in which a terminal finds nothing to obey; it means the same. */
export function jsonText(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    INVISIBLE,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
