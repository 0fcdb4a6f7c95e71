// Starts the page: one state, and the views that show it.

import { controls } from './controls.js';
import { cursorIn, place } from './cursor.js';
import { byId } from './dom.js';
import { axisOf, indices, leafOf, shownBy } from './axis.js';
import { graphView } from './graph.js';
import { lensOf } from './lens.js';
import { matrixView } from './matrix.js';
import { decoded } from './model.js';
import { panelView } from './panel.js';
import { printing } from './print.js';
import { hashOf, initialState } from './state.js';
import { tableView } from './table.js';
import { themeSwitch } from './theme.js';
import { pairLabel, plural } from './words.js';

const FOLD_ABOVE = 40;

const model = decoded(JSON.parse(byId('data').textContent));
const usualTime = model.before ? 'difference' : 'after';

const app = {
  model,
  state: initialState(model, window.location.hash),
  folded: new Set(model.endpoints.length > FOLD_ABOVE ? model.namespaces.map((each) => each.name) : []),
  side: () => model[app.state.time === 'before' ? 'before' : 'after'],
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
    const inside = (indices) => indices.filter((index) => !model.endpoints[index].external);
    const [sources, destinations] = [inside(app.sourceIndices), inside(app.destinationIndices)];
    return sources.length && destinations.length
      ? app.lens.counted(sources, destinations)
      : app.lens.counted(app.sourceIndices, app.destinationIndices);
  },
};

// A key is the id of an endpoint, or `namespace/` for all of a namespace.
function itemOf(key) {
  if (!key) return null;
  if (model.indexOf.has(key)) return app.leaf(model.indexOf.get(key));
  const namespace = model.namespaces.find((each) => `${each.name}/` === key);
  return namespace ? { ...namespace, namespace: namespace.index, kind: 'group', key } : null;
}

// A pair that is chosen by name is shown, even inside a folded namespace.
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

const say = (text) => { byId('live').textContent = text; };

const views = { matrix: matrixView(app), graph: graphView(app), table: tableView(app) };
const panel = panelView(byId('panel'), app);
const bar = controls(app);

cursorIn(views.matrix, {
  choose(r, c) {
    const [row, column] = [app.rows[r], app.columns[c]];
    if (row && column && row.kind !== 'band') app.choose({ from: row.key, to: column.key });
    else chooseName(row ?? column, row ? 'from' : 'to');
  },
  fold(r, c) {
    const item = app.rows[r] ?? app.columns[c];
    if (item) (item.kind === 'group' ? app.unfold : app.fold)(item.kind === 'leaf' ? model.namespaces[item.namespace].name : item.name);
  },
  swap: () => app.swap(),
  help: () => byId('help').showModal(),
  clear: () => app.clear(),
});

function chooseName(item, end) {
  if (item.kind === 'group') app.unfold(item.name);
  else if (item.kind === 'band') app.fold(item.name);
  else app.choose({ [end]: item.key });
}

// What a lens has counted is kept while the moment and the port stay the same.
function lensFor({ time, asked }) {
  if (app.lens && app.lens.time === time && app.lens.asked === asked) return app.lens;
  return Object.assign(lensOf(model, time, asked), { time, asked });
}

function refresh() {
  const { state } = app;
  app.lens = lensFor(state);
  const shown = shownBy(model, app.lens, state);
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
printing(app, views, show);
byId('help-button').addEventListener('click', () => byId('help').showModal());
byId('help-close').addEventListener('click', () => byId('help').close());
window.addEventListener('resize', show);
refresh();
app.choose(app.state.chosen);
document.documentElement.dataset.ready = 'yes';
