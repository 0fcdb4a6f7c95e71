// Keyboard and mouse in the grid: one cell is in the tab order, arrows move it, Enter asks why.
// https://www.w3.org/WAI/ARIA/apg/patterns/grid/

/** @import { App, Cursor, CursorActions, Item, MatrixView } from './types.js' */

const BANDS = -2;
const NAMES = -1;

/** @param {MatrixView} view @param {CursorActions} act */
export function cursorIn(view, act) {
  view.grid.addEventListener('click', (event) => {
    const at = coordinates(event.target);
    if (!at) return;
    move(view, at.row, at.column);
    act.choose(at.row, at.column);
  });
  view.grid.addEventListener('focus', () => move(view, view.cursor.row, view.cursor.column));
  view.grid.addEventListener('keydown', (event) => pressed(view, act, event));
  for (const kind of ['mouseover', 'focusin']) {
    view.grid.addEventListener(kind, (event) => point(view, coordinates(event.target)));
  }
}

/** @param {EventTarget | null} target */
function coordinates(target) {
  const node = target instanceof Element ? target.closest('[data-r]') : null;
  return node instanceof HTMLElement ? { row: Number(node.dataset.r), column: Number(node.dataset.c) } : null;
}

// The names of the row and the column that the pointer or the cursor is at stand out.
/** @param {MatrixView} view @param {{ row: number, column: number } | null} at */
function point(view, at) {
  for (const node of view.grid.querySelectorAll('.pointed')) node.classList.remove('pointed');
  if (!at) return;
  view.grid.querySelector(`[data-r="${at.row}"][data-c="-1"]`)?.classList.add('pointed');
  view.grid.querySelector(`[data-r="-1"][data-c="${at.column}"]`)?.classList.add('pointed');
}

/** @param {MatrixView} view @param {CursorActions} act @param {KeyboardEvent} event */
function pressed(view, act, event) {
  if (event.altKey || event.metaKey) return;
  /** @type {Record<string, () => void>} */
  const work = event.ctrlKey ? farKeys(view) : { ...arrows(view), ...pages(view), ...letters(view, act) };
  if (!Object.hasOwn(work, event.key)) return;
  event.preventDefault();
  work[event.key]();
}

/** @param {MatrixView} view */
function arrows(view) {
  const { row, column, wanted } = view.cursor;
  return {
    ArrowUp: () => move(view, Math.max(BANDS, row - 1), wanted),
    ArrowDown: () => move(view, Math.min(view.app.rows.length - 1, row + 1), wanted),
    ArrowLeft: () => move(view, row, beside(view, column, -1)),
    ArrowRight: () => move(view, row, beside(view, column, 1)),
    Home: () => move(view, row, 0),
    End: () => move(view, row, view.app.columns.length - 1),
  };
}

/** @param {MatrixView} view */
function pages(view) {
  const { row, wanted } = view.cursor;
  const page = Math.max(1, Math.floor((view.node.clientHeight - view.layout.top) / view.layout.size.height) - 1);
  return {
    PageUp: () => move(view, Math.max(0, row - page), wanted),
    PageDown: () => move(view, Math.min(view.app.rows.length - 1, row + page), wanted),
  };
}

/** @param {MatrixView} view */
function farKeys(view) {
  return {
    Home: () => move(view, 0, 0),
    End: () => move(view, view.app.rows.length - 1, view.app.columns.length - 1),
  };
}

/** @param {MatrixView} view @param {CursorActions} act */
function letters(view, act) {
  const { row, column } = view.cursor;
  return {
    Enter: () => act.choose(row, column),
    ' ': () => act.choose(row, column),
    f: () => act.fold(row, column),
    s: () => act.swap(),
    '?': () => act.help(),
    Escape: () => act.clear(),
  };
}

// The next column with cells (or, in the upper row of names, the next namespace).
/** @param {MatrixView} view @param {number} from @param {number} by */
function beside(view, from, by) {
  const { columns } = view.app;
  const stop = view.cursor.row === BANDS ? 'band' : 'column';
  /** @param {Item} item */
  const stops = (item) => (stop === 'band') === (item.kind === 'band');
  let next = from + by;
  while (columns[next] && !stops(columns[next])) next += by;
  if (next === NAMES) return stop === 'band' ? from : NAMES;
  return columns[next] ? next : from;
}

/** @param {MatrixView} view @param {number} row @param {number} column */
export function move(view, row, column) {
  view.cursor = settled(view.app, row, column);
  reveal(view);
  view.draw();
  view.stop()?.focus({ preventScroll: true });
}

// A namespace's band has a name and no cells; the column that was wanted returns below it.
/** @param {App} app @param {number} row @param {number} column @returns {Cursor} */
function settled({ rows, columns }, row, column) {
  const last = columns.length - 1;
  const wanted = Math.min(column, last);
  if (rows[row]?.kind === 'band') return { row, column: -1, wanted };
  if (row === BANDS) {
    const band = columns.findIndex((item) => item.kind === 'band' && item.namespace === columns[Math.max(wanted, 0)]?.namespace);
    return band < 0 ? { row: NAMES, column: wanted, wanted } : { row, column: band, wanted };
  }
  const there = columns[wanted]?.kind === 'band' ? wanted + 1 : wanted;
  return { row, column: row < 0 ? Math.max(there, 0) : there, wanted: there };
}

// Brings a chosen pair into sight and puts the cursor there, without taking the focus.
/** @param {MatrixView} view @param {string} rowKey @param {string} columnKey */
export function place(view, rowKey, columnKey) {
  const row = view.app.rows.findIndex((item) => item.key === rowKey && item.kind !== 'band');
  const column = view.app.columns.findIndex((item) => item.key === columnKey && item.kind !== 'band');
  if (row < 0 || column < 0) return;
  view.cursor = settled(view.app, row, column);
  reveal(view);
  view.draw();
  view.stop();
}

/** @param {MatrixView} view */
function reveal({ node, layout, cursor }) {
  const { rows, columns } = layout;
  const { row, column } = cursor;
  if (row >= 0) node.scrollTop = within(node.scrollTop, rows.starts[row], rows.extents[row], node.clientHeight - layout.top);
  if (column >= 0) node.scrollLeft = within(node.scrollLeft, columns.starts[column], columns.extents[column], node.clientWidth - layout.side);
}

/** @param {number} scroll @param {number} start @param {number} extent @param {number} room */
function within(scroll, start, extent, room) {
  if (start < scroll) return start - 4;
  return start + extent > scroll + room ? start + extent - room + 4 : scroll;
}
