// Starts the page: one state, and the views that show it.

import { controls } from './controls.js';
import { cursorIn, place } from './cursor.js';
import { embedded } from './data.js';
import { byId } from './dom.js';
import { axisOf, indices, leafOf, shownBy } from './axis.js';
import { graphView } from './graph.js';
import { matrixView } from './matrix.js';
import { decoded, sideAt } from './model.js';
import { pairStatuses } from './pair_statuses.js';
import { panelView } from './panel.js';
import { printing } from './print.js';
import { hashOf, initialState } from './state.js';
import { tableView } from './table.js';
import { themeSwitch } from './theme.js';
import { pairLabel, plural } from './words.js';

/** @import { App, Item, State, Time } from './types.js' */

const FOLD_ABOVE = 40;

const model = decoded(await embedded(byId('data')));
/** @type {Time} */
const usualTime = model.before ? 'difference' : 'after';

/** @type {App} */
const app = {
  model,
  state: initialState(model, window.location.hash || (byId('data').dataset.start ?? '')),
  pairs: pairStatuses(model, usualTime, null),
  folded: new Set(model.endpoints.length > FOLD_ABOVE ? model.namespaces.map((each) => each.name) : []),
  rows: [],
  columns: [],
  sources: new Uint8Array(),
  destinations: new Uint8Array(),
  sourceIndices: [],
  destinationIndices: [],
  side: () => sideAt(model, app.state.time === 'before' ? 'before' : 'after'),
  leaf: (index) => leafOf(model, index),
  set(change) {
    Object.assign(app.state, change);
    refresh();
  },
  toggle(code) {
    const statuses = new Set(app.state.statuses);
    if (!statuses.delete(code)) statuses.add(code);
    app.set({ statuses });
  },
  fold(name) {
    app.folded.add(name);
    refresh();
  },
  unfold(name) {
    app.folded.delete(name);
    refresh();
  },
  foldAll() {
    app.folded = new Set(model.namespaces.map((each) => each.name));
    refresh();
  },
  unfoldAll() {
    app.folded = new Set();
    refresh();
  },
  choose(ends, keep = false) {
    const { chosen } = app.state;
    app.state.chosen = keep ? { ...chosen, ...ends } : { from: '', to: '', ...ends };
    const { row, column } = app.chosen();
    if (unfolded(row, column) || app.state.view !== 'matrix') refresh();
    else showChoice();
    if (!row || !column) return;
    if (app.state.view === 'matrix') place(views.matrix, row.key, column.key);
    document.querySelector('.cell[aria-selected]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
    say(pairLabel(app, row, column));
  },
  clear: () => app.choose({}),
  swap: () => app.choose({ from: app.state.chosen.to, to: app.state.chosen.from }),
  chosen: () => ({ row: itemOf(app.state.chosen.from), column: itemOf(app.state.chosen.to) }),
  isSelected: (row, column) => app.state.chosen.from === row.key && app.state.chosen.to === column.key,
  // Connections between workloads, as the headline counts them; what is outside counts alone.
  totals() {
    return app.isInside()
      ? app.pairs.counted(workloads(app.sourceIndices), workloads(app.destinationIndices))
      : app.pairs.counted(app.sourceIndices, app.destinationIndices);
  },
  isInside: () => workloads(app.sourceIndices).length > 0 && workloads(app.destinationIndices).length > 0,
};

/** @param {number[]} found */
function workloads(found) {
  return found.filter((index) => !model.endpoints[index].external);
}

// A key is the id of an endpoint, or `namespace/` for all of a namespace.
/** @param {string} key @returns {Item | null} */
function itemOf(key) {
  if (!key) return null;
  const index = model.indexOf.get(key);
  if (index !== undefined) return app.leaf(index);
  const namespace = model.namespaces.find((each) => `${each.name}/` === key);
  return namespace ? { ...namespace, namespace: namespace.index, kind: 'group', key } : null;
}

// A pair that is chosen by name is shown, even inside a folded namespace.
/** @param {Item | null} row @param {Item | null} column */
function unfolded(row, column) {
  if (!row || !column) return false;
  const leaves = [row, column].filter((item) => item.kind === 'leaf');
  return leaves.filter((item) => app.folded.delete(model.namespaces[item.namespace].name)).length > 0;
}

function showChoice() {
  views.matrix.mark();
  panel.show();
  keepAddress();
}

function keepAddress() {
  window.history.replaceState(null, '', hashOf(app.state, usualTime));
}

/** @param {string} text */
const say = (text) => { byId('live').textContent = text; };

const help = /** @type {HTMLDialogElement} */ (byId('help'));
const views = { matrix: matrixView(app), graph: graphView(app), table: tableView(app) };
const panel = panelView(byId('panel'), app);
const bar = controls(app);

cursorIn(views.matrix, {
  choose(r, c) {
    const [row, column] = [app.rows[r], app.columns[c]];
    if (row && column && row.kind !== 'band') app.choose({ from: row.key, to: column.key });
    else if (row ?? column) chooseName(row ?? column, row ? 'from' : 'to');
  },
  fold(r, c) {
    const item = app.rows[r] ?? app.columns[c];
    if (item) (item.kind === 'group' ? app.unfold : app.fold)(item.kind === 'leaf' ? model.namespaces[item.namespace].name : item.name);
  },
  swap: () => app.swap(),
  help: () => help.showModal(),
  clear: () => app.clear(),
});

/** @param {Item} item @param {'from' | 'to'} end */
function chooseName(item, end) {
  if (item.kind === 'group') app.unfold(item.name);
  else if (item.kind === 'band') app.fold(item.name);
  else app.choose({ [end]: item.key });
}

// What has been counted is kept while the time and the port stay the same.
/** @param {State} state */
function pairsFor({ time, asked }) {
  const known = app.pairs.time === time && app.pairs.asked === asked;
  return known ? app.pairs : pairStatuses(model, time, asked);
}

function refresh() {
  const { state } = app;
  app.pairs = pairsFor(state);
  const shown = shownBy(model, app.pairs, state);
  app.sources = shown.sources;
  app.destinations = shown.destinations;
  app.sourceIndices = indices(shown.sources);
  app.destinationIndices = indices(shown.destinations);
  app.rows = axisOf(model, shown.sources, app.folded);
  app.columns = axisOf(model, shown.destinations, app.folded);
  show();
  keepAddress();
}

function show() {
  const view = views[app.state.view];
  const empty = app.rows.length === 0 || app.columns.length === 0;
  byId('empty').hidden = !empty;
  if (byId('view').firstElementChild !== view.node) byId('view').replaceChildren(view.node);
  view.node.hidden = empty;
  if (!empty) view.show();
  bar.show();
  panel.show();
  say(empty ? 'Nothing matches the filters' : `${plural(app.sourceIndices.length, 'source')} and ${plural(app.destinationIndices.length, 'destination')} shown`);
}

themeSwitch();
printing(app, views.matrix, show);
byId('help-button').addEventListener('click', () => help.showModal());
byId('help-close').addEventListener('click', () => help.close());
window.addEventListener('resize', show);
refresh();
app.choose(app.state.chosen);
document.documentElement.dataset.ready = 'yes';
