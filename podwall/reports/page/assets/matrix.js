// The grid of who can reach whom. Only the part in the window is in the document, so that thousands
// of rows scroll as lightly as ten; scrolling adds and removes lines and leaves the others alone.

import { el } from './dom.js';
import { cellLook } from './cells.js';
import { headRows, nameCorner, rowName } from './headers.js';
import { drawnPart, layoutOf } from './layout.js';
import { pairLabel } from './words.js';

/** @import { App, CellLook, MatrixView } from './types.js' */

const MARGIN = 60;

/** @param {App} app @returns {MatrixView} */
export function matrixView(app) {
  const grid = el('div', { role: 'grid', class: 'grid', id: 'grid' });
  grid.setAttribute('aria-label', 'Who can reach whom: each row is a source, each column a destination');
  const node = el('div', { class: 'viewport' }, grid);
  /** @type {MatrixView} */
  const view = {
    node, grid, app, layout: layoutOf([], [], window.innerWidth), lines: new Map(), drawn: [0, 0], everything: false,
    cursor: { row: 0, column: -1, wanted: 0 },
    show: () => show(view),
    draw: () => draw(view),
    mark: () => mark(view),
    stop: () => stop(view),
  };
  node.addEventListener('scroll', () => requestAnimationFrame(() => draw(view)), { passive: true });
  return view;
}

/** @param {MatrixView} view */
function show(view) {
  const { app, node, grid } = view;
  const focused = grid.contains(document.activeElement);
  view.layout = layoutOf(app.rows, app.columns, node.clientWidth || window.innerWidth);
  const { layout } = view;
  grid.className = `grid ${layout.size.name}`;
  grid.style.width = `${layout.side + layout.columns.total + 1}px`;
  grid.style.height = `${layout.top + layout.rows.total + 1}px`;
  for (const [name, value] of [['side', layout.side], ['w', layout.width], ['band', layout.band]]) {
    grid.style.setProperty(`--${name}`, `${value}px`);
  }
  grid.setAttribute('aria-rowcount', String(app.rows.length + 2));
  grid.setAttribute('aria-colcount', String(app.columns.length + 1));
  clear(view);
  draw(view);
  if (focused) (stop(view) ?? grid).focus({ preventScroll: true });
}

/** @param {MatrixView} view */
function clear(view) {
  view.grid.replaceChildren();
  view.lines.clear();
  view.drawn = [0, 0];
}

/** @param {MatrixView} view */
function draw(view) {
  if (view.layout.rows.items.length === 0) return;
  const [rows, columns] = parts(view);
  const focused = view.grid.contains(document.activeElement);
  if (`${columns}` !== `${view.drawn}`) {
    clear(view);
    view.drawn = columns;
    view.grid.append(headRows(view, cellColumns(view)));
  }
  nameCorner(view);
  const changed = keepLines(view, rows);
  if (!changed) return;
  const node = stop(view);
  if (focused && !view.grid.contains(document.activeElement)) (node ?? view.grid).focus({ preventScroll: true });
}

// Lines out of sight go, lines that come into sight are put in their place.
/** @param {MatrixView} view @param {[number, number]} rows */
function keepLines(view, [first, last]) {
  let changed = false;
  for (const [r, node] of view.lines) {
    if (r >= first && r < last) continue;
    node.remove();
    view.lines.delete(r);
    changed = true;
  }
  /** @type {HTMLElement | null} */
  let before = null;
  for (let r = last - 1; r >= first; r -= 1) {
    let node = view.lines.get(r);
    if (!node) {
      node = line(view, r);
      view.lines.set(r, node);
      view.grid.insertBefore(node, before);
      changed = true;
    }
    before = node;
  }
  return changed;
}

// The one element of the grid in the tab order: the cursor's, or where that is scrolled away the
// grid itself.
/** @param {MatrixView} view */
function stop(view) {
  const { row, column } = view.cursor;
  const old = view.grid.querySelector('[tabindex="0"]');
  /** @type {HTMLElement | null} */
  const node = view.grid.querySelector(`[data-r="${row}"][data-c="${column}"]`);
  if (old !== node) old?.setAttribute('tabindex', '-1');
  node?.setAttribute('tabindex', '0');
  view.grid.tabIndex = node ? -1 : 0;
  return node;
}

// Shows which cell is chosen, without drawing the others again.
/** @param {MatrixView} view */
function mark(view) {
  const { app, grid } = view;
  for (const node of grid.querySelectorAll('[aria-selected]')) node.removeAttribute('aria-selected');
  const row = app.rows.findIndex((item) => item.kind !== 'band' && item.key === app.state.chosen.from);
  const column = app.columns.findIndex((item) => item.kind !== 'band' && item.key === app.state.chosen.to);
  if (row >= 0 && column >= 0) grid.querySelector(`[data-r="${row}"][data-c="${column}"]`)?.setAttribute('aria-selected', 'true');
}

/** @param {MatrixView} view @returns {[[number, number], [number, number]]} */
function parts({ node, layout, everything }) {
  if (everything) return [[0, layout.rows.items.length], [0, layout.columns.items.length]];
  const { scrollTop, scrollLeft, clientHeight, clientWidth } = node;
  return [
    drawnPart(layout.rows, scrollTop - MARGIN, scrollTop + clientHeight + MARGIN),
    drawnPart(layout.columns, scrollLeft - MARGIN, scrollLeft + clientWidth + MARGIN),
  ];
}

/** @param {MatrixView} view */
function cellColumns(view) {
  const [first, last] = view.drawn;
  const all = Array.from({ length: last - first }, (_, k) => first + k);
  return all.filter((c) => view.app.columns[c].kind !== 'band');
}

/** @param {MatrixView} view @param {number} r */
function line(view, r) {
  const { layout, app } = view;
  const { kind } = app.rows[r];
  const cells = kind === 'band' ? [] : cellColumns(view).map((c) => cell(view, r, c));
  const row = el('div', { role: 'row', class: `line ${kind}`, 'aria-rowindex': r + 3 }, rowName(view, r), cells);
  row.style.top = `${layout.top + layout.rows.starts[r]}px`;
  row.style.height = `${layout.rows.extents[r]}px`;
  return row;
}

// What is written in a cell is said as well: who says what they see finds the cell.
/** @param {string} label @param {CellLook} look */
function cellLabel(label, { text }) {
  return /[\p{L}\p{N}]/u.test(text ?? '') && !label.toLowerCase().includes(String(text).toLowerCase()) ? `${label}, in short ${text}` : label;
}

/** @param {MatrixView} view @param {number} r @param {number} c */
function cell(view, r, c) {
  const { layout, app } = view;
  const [row, column] = [app.rows[r], app.columns[c]];
  const look = cellLook(app, row, column, layout.size.text);
  const node = el('div', {
    role: 'gridcell',
    class: `cell ${look.status}${look.quiet ? ' quiet' : ''}${look.text ? ' written' : ''}`,
    'data-r': r,
    'data-c': c,
    'aria-colindex': c + 2,
    'aria-label': cellLabel(pairLabel(app, row, column), look),
    'aria-selected': app.isSelected(row, column) ? 'true' : null,
    tabindex: -1,
  }, look.text);
  node.style.left = `${layout.side + layout.columns.starts[c]}px`;
  if (look.part !== undefined) node.style.setProperty('--part', String(look.part));
  return node;
}
