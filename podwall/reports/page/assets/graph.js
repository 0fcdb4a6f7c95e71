// Sources on the left, destinations on the right, a line for each connection: what is read from the
// left to the right may happen, and no arrow can be mistaken.

import { el, svg } from './dom.js';
import { CHANGED, CODE, OPEN, STATUSES, foldedStatus } from './statuses.js';
import { countWords, itemName, total } from './words.js';

/** @import { App, Item, View } from './types.js' */

/**
 * A name where it is drawn, and a line between two of them.
 * @typedef {{ item: Item, top: number, middle: number, height: number }} Stacked
 * @typedef {{ from: Stacked, to: Stacked, status: string, part: number, words: string }} Edge
 */

const ROW = 30;
const HEAD = 26;
const MOST_NODES = 160;
const MOST_LINES = 1500;

/** @param {App} app @returns {View} */
export function graphView(app) {
  const node = el('div', { class: 'graph' });
  return { node, show: () => node.replaceChildren(...content(app)) };
}

/** @param {App} app @returns {HTMLElement[]} */
function content(app) {
  const [left, right] = [stacked(app.rows), stacked(app.columns)];
  if (left.length + right.length > MOST_NODES * 2) return [tooMany(app)];
  const found = edges(app, left, right);
  const { row, column } = app.chosen();
  const chosen = Boolean(row ?? column);
  const touching = found.filter((edge) => touches(edge, row, column));
  const drawn = found.length <= MOST_LINES ? found : chosen ? touching : [];
  const note = found.length > MOST_LINES && !chosen
    ? el('p', { class: 'hint' }, `${found.length.toLocaleString('en')} connections are too many lines: choose a name to see its own, or fold namespaces.`) : null;
  const drawing = lines(drawn, left, right, chosen ? touching : null);
  const shown = el('div', { class: 'sides' }, side(app, left, 'from', row), drawing, side(app, right, 'to', column));
  return note ? [note, shown] : [shown];
}

/** @param {App} app */
function tooMany(app) {
  return el('p', { class: 'hint' }, 'Too many names for a graph. ',
    el('button', { type: 'button', class: 'quiet', click: () => app.foldAll() }, 'Fold all namespaces'));
}

/** @param {Item[]} items @returns {Stacked[]} */
function stacked(items) {
  let top = 0;
  return items.map((item) => {
    const height = item.kind === 'band' ? HEAD : ROW;
    top += height;
    return { item, top: top - height, middle: top - height / 2, height };
  });
}

/** @param {App} app @param {Stacked[]} left @param {Stacked[]} right */
function edges(app, left, right) {
  const shows = app.state.time === 'difference' ? CHANGED : [...OPEN, CODE.maybe];
  /** @type {Edge[]} */
  const found = [];
  for (const from of left) {
    for (const to of right) {
      if (from.item.kind === 'band' || to.item.kind === 'band') continue;
      const edge = edgeOf(app, from, to, shows);
      if (edge) found.push(edge);
    }
  }
  return found;
}

/** @param {App} app @param {Stacked} from @param {Stacked} to @param {number[]} shows @returns {Edge | null} */
function edgeOf(app, from, to, shows) {
  if (from.item.key === to.item.key && from.item.kind === 'leaf') return null;
  const counts = app.pairs.counts(from.item, to.item);
  const count = shows.reduce((sum, code) => sum + counts[code], 0);
  if (!count) return null;
  const status = STATUSES[foldedStatus(Uint32Array.from(counts, (n, code) => (shows.includes(code) ? n : 0)))].name;
  return { from, to, status, part: count / total(counts), words: countWords(counts, app.state.time) };
}

/** @param {Edge} edge @param {Item | null} row @param {Item | null} column */
function touches(edge, row, column) {
  return (!row || edge.from.item.key === row.key) && (!column || edge.to.item.key === column.key);
}

/** @param {Edge[]} drawn @param {Stacked[]} left @param {Stacked[]} right @param {Edge[] | null} chosen */
function lines(drawn, left, right, chosen) {
  const height = Math.max(left.at(-1)?.top ?? 0, right.at(-1)?.top ?? 0) + ROW;
  const paths = drawn.map((edge) => {
    const [y, z] = [edge.from.middle, edge.to.middle];
    const emphasis = chosen === null ? '' : chosen.includes(edge) ? ' strong' : ' faint';
    return svg('path', {
      d: `M0 ${y}C140 ${y} 160 ${z} 300 ${z}`, class: `edge ${edge.status}${emphasis}`,
      'stroke-width': (1.1 + 2.2 * edge.part).toFixed(2), 'vector-effect': 'non-scaling-stroke',
      'stroke-opacity': (0.3 + 0.55 * edge.part).toFixed(2),
    });
  });
  return svg('svg', { viewBox: `0 0 300 ${height}`, height, preserveAspectRatio: 'none', 'aria-hidden': 'true' }, paths);
}

/** @param {App} app @param {Stacked[]} places @param {'from' | 'to'} end @param {Item | null} chosen */
function side(app, places, end, chosen) {
  const title = end === 'from' ? 'Sources' : 'Destinations';
  return el('ul', { class: `side ${end}`, 'aria-label': title }, places.map((place) => entry(app, place, end, chosen)));
}

/** @param {App} app @param {Stacked} place @param {'from' | 'to'} end @param {Item | null} chosen */
function entry(app, { item }, end, chosen) {
  if (item.kind === 'band') {
    return el('li', { class: 'band' }, el('button', { type: 'button', 'aria-expanded': 'true', click: () => app.fold(item.name) }, el('bdi', {}, item.name || 'external')));
  }
  const pressed = chosen?.key === item.key;
  const act = () => app.choose(end === 'from' ? { from: pressed ? '' : item.key } : { to: pressed ? '' : item.key }, true);
  const fold = item.kind === 'group' && el('button', { type: 'button', class: 'caret', 'aria-expanded': 'false', 'aria-label': `Unfold ${itemName(app.model, item)}`, click: () => app.unfold(item.name) });
  return el('li', { class: item.kind }, fold, el('button', { type: 'button', class: 'end', 'aria-pressed': String(pressed), title: itemName(app.model, item), click: act }, el('bdi', {}, item.name || 'external')));
}
