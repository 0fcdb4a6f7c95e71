// The names at the edges of the grid; a namespace folds and unfolds at its name.

import { el } from './dom.js';
import { plural } from './words.js';

/** @import { Item, Layout, MatrixView, Model, Places } from './types.js' */

/**
 * A name above the columns of its namespace, and what a name is in the grid.
 * @typedef {{ item: Item, left: number, right: number, index: number }} Band
 * @typedef {{ role: string, class: string, r: number, c: number, expanded: string | null, index: number }} NamePlace
 */

/** @param {MatrixView} view @param {number[]} columns */
export function headRows(view, columns) {
  const { layout } = view;
  const corner = el('div', { class: 'corner', role: 'columnheader', 'aria-colindex': 1 },
    el('span', { class: 'way' }, 'from ↓'), el('span', { class: 'at' }), el('span', { class: 'way' }, 'to →'));
  const names = columns.map((c) => columnName(view, c));
  const bands = bandsOf(layout, columns).map((band) => bandName(view, band));
  const both = el('div', { class: 'heads', role: 'rowgroup' },
    el('div', { role: 'row', class: 'over', 'aria-rowindex': 1 }, bands),
    el('div', { role: 'row', class: 'head', 'aria-rowindex': 2 }, corner, names));
  both.style.height = `${layout.top}px`;
  return both;
}

// While a long namespace is scrolled, its name stands in the corner.
/** @param {MatrixView} view */
export function nameCorner(view) {
  const { rows } = view.layout;
  const first = rows.starts.findIndex((start, index) => start + rows.extents[index] > view.node.scrollTop);
  const item = rows.items[first];
  const hidden = item?.kind === 'leaf' && view.node.scrollTop > 0;
  view.grid.querySelector('.corner .at')?.replaceChildren(hidden ? namespaceOf(view.app.model, item) : '');
}

/** @param {Model} model @param {Item} item */
function namespaceOf(model, item) {
  return model.namespaces[item.namespace].name || 'external';
}

/** @param {MatrixView} view @param {number} r */
export function rowName(view, r) {
  const item = view.app.rows[r];
  const expanded = item.kind === 'leaf' ? null : String(item.kind === 'band');
  return name(view, item, { role: 'rowheader', class: `side ${item.kind}`, r, c: -1, expanded, index: 1 });
}

/** @param {MatrixView} view @param {number} c */
function columnName(view, c) {
  const { layout, app } = view;
  const item = app.columns[c];
  const expanded = item.kind === 'group' ? 'false' : null;
  const node = name(view, item, { role: 'columnheader', class: `name ${item.kind}`, r: -1, c, expanded, index: c + 2 });
  node.style.left = `${layout.side + layout.columns.starts[c]}px`;
  return node;
}

/** @param {MatrixView} view @param {Band} band */
function bandName(view, band) {
  const node = name(view, band.item, { role: 'columnheader', class: 'band', r: -2, c: band.index, expanded: 'true', index: band.index + 2 });
  node.style.left = `${view.layout.side + band.left}px`;
  node.style.width = `${band.right - band.left}px`;
  return node;
}

// An unfolded namespace spans its columns, as far as they are drawn.
/** @param {Layout} layout @param {number[]} drawn */
function bandsOf({ columns, lacking }, drawn) {
  /** @type {Band[]} */
  const bands = [];
  for (const c of drawn) {
    const item = columns.items[c];
    if (item.kind === 'group') continue;
    const right = columns.starts[c] + columns.extents[c] + (isLast(columns, c) ? lacking(item) : 0);
    const last = bands.at(-1);
    if (last && last.item.namespace === item.namespace) {
      last.right = right;
    } else {
      const index = columns.items.findIndex((each) => each.namespace === item.namespace);
      bands.push({ item: columns.items[index], left: columns.starts[c], right, index });
    }
  }
  return bands;
}

/** @param {Places} columns @param {number} c */
function isLast({ items }, c) {
  return items[c + 1]?.namespace !== items[c].namespace;
}

/** @param {MatrixView} view @param {Item} item @param {NamePlace} place */
function name(view, item, { r, c, expanded, index, role, ...rest }) {
  const title = titleOf(view.app.model, item);
  const count = item.kind === 'leaf' ? null : el('span', { class: 'count' }, item.members.length.toLocaleString('en'));
  return el('div', {
    role, ...rest, title, 'aria-label': title, 'aria-expanded': expanded, 'aria-colindex': index,
    'data-r': r, 'data-c': c, tabindex: -1,
  }, el('span', { class: 'label' }, el('bdi', {}, item.name || 'external')), count);
}

/** @param {Model} model @param {Item} item */
function titleOf(model, item) {
  if (item.kind === 'leaf') return model.endpoints[item.index].id;
  if (item.unseen) return 'pods that are not shown';
  const many = plural(item.members.length, item.external ? 'address range' : 'workload');
  return item.external ? `outside the cluster, ${many}` : `namespace ${item.name}, ${many}`;
}
