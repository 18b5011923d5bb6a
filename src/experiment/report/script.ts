// The page's script: tables that sort by the head that is clicked, and the values under the pointer in a
// chart. The page is whole without it, as it is printed or shown where scripts are off. It reads what
// `chart.ts` writes beside each line, and loads nothing.

export const SCRIPT = `
'use strict';
for (const table of document.querySelectorAll('table.sortable')) {
  const body = table.tBodies[0];
  const value = (row, column) => {
    const text = row.cells[column].textContent.trim();
    const number = parseFloat(text.replaceAll(',', '').replace('\u2212', '-'));
    return { text, number };
  };
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = document.createElement('button');
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const down = head.getAttribute('aria-sort') === 'ascending';
      for (const other of head.parentNode.cells) other.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
      const rows = [...body.rows].sort((a, b) => {
        const [x, y] = [value(a, column), value(b, column)];
        const missing = Number(!Number.isFinite(x.number)) - Number(!Number.isFinite(y.number));
        const order = head.classList.contains('left')
          ? x.text.localeCompare(y.text, 'en', { numeric: true })
          : missing || x.number - y.number || 0;
        return down && !(missing && !head.classList.contains('left')) ? -order : order;
      });
      body.append(...rows);
    });
  });
}
const tip = document.createElement('p');
tip.className = 'tip';
tip.hidden = true;
document.body.append(tip);
for (const chart of document.querySelectorAll('svg.chart')) {
  const { x, y, box, log, names, labels } = JSON.parse(chart.dataset.scale);
  const [left, top, right, bottom] = box;
  const along = ([from, to, start, end], at) => from + ((at - start) / (end - start)) * (to - from);
  const height = (at) => (log ? 10 ** along([Math.log10(y[0]), Math.log10(y[1]), y[2], y[3]], at) : along(y, at));
  const lines = [...chart.querySelectorAll('path.line')].map((line) => {
    const title = line.querySelector('title');
    if (title) title.remove();
    const points = line.getAttribute('d').slice(1).split('L').map((place) => place.split(' ').map(Number));
    return { label: line.dataset.label, points };
  });
  const dot = document.createElementNS('http://www.w3.org/2000/svg', 'circle');
  dot.setAttribute('r', '4');
  dot.setAttribute('fill', 'none');
  dot.setAttribute('stroke', 'currentColor');
  const leave = () => { tip.hidden = true; dot.remove(); };
  chart.addEventListener('pointerleave', leave);
  const show = (event) => {
    const frame = chart.getBoundingClientRect();
    const size = chart.viewBox.baseVal.width / frame.width;
    const at = [(event.clientX - frame.left) * size, (event.clientY - frame.top) * size];
    let best;
    for (const { label, points } of lines) {
      for (const [px, py] of points) {
        if (px < left - 1 || px > right + 1 || py < top - 1 || py > bottom + 1) continue;
        const far = (px - at[0]) ** 2 + (py - at[1]) ** 2;
        if (!best || far < best.far) best = { far, label, px, py };
      }
    }
    if (!best || best.far > 1600) return leave();
    const across = along(x, best.px);
    const where = names ? names[Math.round(across)] : Math.round(across).toLocaleString('en-US');
    const exact = height(best.py);
    const number = Math.abs(exact) < 1 ? exact.toPrecision(3) : exact.toFixed(2);
    tip.textContent = best.label + ': ' + labels[1] + ' ' + number + ' at ' + labels[0] + ' ' + where;
    tip.hidden = false;
    const room = document.documentElement.clientWidth - tip.offsetWidth - 8;
    tip.style.left = Math.max(8, Math.min(event.clientX + 12, room)) + window.scrollX + 'px';
    tip.style.top = event.clientY + window.scrollY + 16 + 'px';
    dot.setAttribute('cx', best.px);
    dot.setAttribute('cy', best.py);
    chart.append(dot);
  };
  chart.addEventListener('pointermove', show);
  chart.addEventListener('pointerdown', show);
}
`;
