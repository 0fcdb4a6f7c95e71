// The same answers as a plain table: for reading aloud, for copying, for printing.

import { el } from './dom.js';
import { sideAt, verdictAt } from './model.js';
import { alone } from './pair_statuses.js';
import { CHANGED, CODE, OPEN, STATUSES } from './statuses.js';
import { pairWords, plural, verdictWords } from './words.js';

/** @import { App, View } from './types.js' */

const PAGE = 200;

/** @param {App} app @returns {View} */
export function tableView(app) {
  const node = el('div', { class: 'table' });
  const view = { node, limit: PAGE, show: () => show(view, app) };
  return view;
}

/** @param {View & { limit: number }} view @param {App} app */
function show(view, app) {
  /** @type {[number, number][]} */
  const rows = [];
  let more = false;
  for (const pair of wanted(app)) {
    if (rows.length === view.limit) { more = true; break; }
    rows.push(pair);
  }
  const head = app.state.time === 'difference' ? ['From', 'To', 'Change', 'Before', 'After'] : ['From', 'To', 'Verdict', 'Ports'];
  view.node.replaceChildren(
    el('table', {}, el('caption', {}, caption(app, rows.length, more)),
      el('thead', {}, el('tr', {}, head.map((title) => el('th', { scope: 'col' }, title)))),
      el('tbody', {}, rows.map(([i, j]) => line(app, i, j)))),
    more ? el('button', { type: 'button', class: 'quiet', click: () => { view.limit += PAGE * 5; show(view, app); } }, 'Show more') : '');
}

// The legend counts those between workloads; here are those with the outside and with pods that are not shown, too.
/** @param {App} app @param {number} count @param {boolean} more */
function caption(app, count, more) {
  const shown = more ? `The first ${plural(count, 'connection')}` : plural(count, 'connection');
  const kinds = app.state.statuses.size ? 'of the kinds chosen above' : `that ${usualWords(app, count)}`;
  const inside = app.totals();
  const counted = [...kindsOf(app)].reduce((sum, code) => sum + inside[code], 0);
  return `${shown} ${kinds}; ${counted.toLocaleString('en')} ${more ? 'in all ' : ''}${app.isInside() ? 'between workloads' : 'counted above'}`;
}

/** @param {App} app @param {number} count */
function usualWords(app, count) {
  if (app.state.time === 'difference') return count === 1 ? 'changes' : 'change';
  return count === 1 ? 'is not denied' : 'are not denied';
}

/** @param {App} app @returns {Set<number>} */
function kindsOf({ state }) {
  const usual = state.time === 'difference' ? CHANGED : [...OPEN, CODE.maybe];
  return state.statuses.size ? state.statuses : new Set(usual);
}

// Without a choice of verdicts: what is open or undetermined, or what changes; the rest is denied.
/** @param {App} app @returns {Generator<[number, number]>} */
function* wanted(app) {
  const { pairs, sources, destinations, model } = app;
  const kinds = kindsOf(app);
  for (let i = 0; i < sources.length; i += 1) {
    if (!sources[i]) continue;
    for (let j = 0; j < destinations.length; j += 1) {
      if (destinations[j] && !(i === j && alone(model, i)) && kinds.has(pairs.at(i, j))) yield [i, j];
    }
  }
}

/** @param {App} app @param {number} i @param {number} j */
function line(app, i, j) {
  const [from, to] = [app.leaf(i), app.leaf(j)];
  const status = STATUSES[app.pairs.at(i, j)];
  const act = () => app.choose({ from: from.key, to: to.key });
  const verdicts = app.state.time === 'difference'
    ? [sideAt(app.model, 'before'), app.model.after].map((side) => verdictWords(app.model, verdictAt(side, i, j)))
    : [pairWords(app, from, to)];
  return el('tr', { class: app.isSelected(from, to) ? 'chosen' : null },
    el('th', { scope: 'row' }, el('button', { type: 'button', class: 'link', click: act }, el('bdi', {}, from.key))),
    el('td', {}, el('bdi', {}, to.key)),
    el('td', { class: 'status' }, el('span', { class: `sign ${status.name}` }), status.word),
    verdicts.map((words) => el('td', {}, words)));
}
