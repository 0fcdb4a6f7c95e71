// The panel beside the view: what the reader chose, explained.

import { el } from './dom.js';
import { isolating } from './explain.js';
import { MATCH } from './match.js';
import { pairCard } from './pair.js';
import { alone } from './pair_statuses.js';
import { CODE, STATUSES, CHANGED, OPEN } from './statuses.js';
import { countWords, itemName, pairWords, plural } from './words.js';

/** @import { App, Direction, Endpoint, Ends, Item, NamespaceItem } from './types.js' */

const MOST = 14;

/** @param {HTMLElement} node @param {App} app */
export function panelView(node, app) {
  return {
    show() {
      const { row, column } = app.chosen();
      node.replaceChildren(...content(app, row, column));
      node.classList.toggle('chosen', Boolean(row || column));
    },
  };
}

/** @param {App} app @param {Item | null} row @param {Item | null} column */
function content(app, row, column) {
  if (!row && !column) return [firstNotes(app)];
  const close = el('button', { type: 'button', class: 'close', 'aria-label': 'Close the explanation', click: () => app.clear() }, '×');
  const only = row && column ? null : row ?? column;
  if (only) return [close, endCard(app, only)];
  if (!row || !column) return [close];
  const single = row.kind === 'leaf' && column.kind === 'leaf';
  return [close, single ? pairCard(app, row, column) : groupCard(app, row, column)];
}

// Before anything is chosen: the few things to look at first.
/** @param {App} app */
function firstNotes(app) {
  const { notes, engine } = app.model;
  return el('section', {},
    el('h2', {}, 'At a glance'),
    el('ul', { class: 'notes' }, notes.map((note) => el('li', {}, el('b', {}, note.count), ' ', note.text, places(app, note.endpoints)))),
    el('p', { class: 'hint' }, 'Choose a cell to see why, or a name to see whom it reaches.'),
    engine.notes.length === 0 ? null : el('details', { class: 'engine' }, el('summary', {}, `Where ${engine.title} departs from the specification (${engine.notes.length})`),
      el('ul', {}, engine.notes.map((note) => el('li', {}, note.says, ' ', el('a', { href: note.link, rel: 'noreferrer noopener', target: '_blank' }, 'source'))))));
}

/** @param {App} app @param {number[]} endpoints */
function places(app, endpoints) {
  if (!endpoints.length) return null;
  if (endpoints.length > MOST) return namespaces(app, endpoints);
  const shown = endpoints.slice(0, MOST).map((index) => el('li', {}, nameButton(app, index)));
  return el('ul', { class: 'names' }, shown);
}

// Too many to name: how many of each namespace.
/** @param {App} app @param {number[]} endpoints */
function namespaces(app, endpoints) {
  const groups = Map.groupBy(endpoints, (index) => app.model.endpoints[index].namespace);
  const entries = [...groups].sort((one, two) => two[1].length - one[1].length);
  const shown = entries.slice(0, MOST).map(([name, members]) => el('li', {},
    el('button', { type: 'button', class: 'link', click: () => app.choose({ from: '', to: `${name}/` }) }, el('bdi', {}, name)), ` ${members.length}`));
  const rest = entries.length - shown.length;
  return el('ul', { class: 'names' }, shown, rest > 0 && el('li', { class: 'rest' }, `and ${plural(rest, 'more namespace')}`));
}

/** @param {App} app @param {number} index @param {Partial<Ends> | null} other */
export function nameButton(app, index, other = null) {
  const { id } = app.model.endpoints[index];
  const act = () => (other === null ? app.choose({ from: id, to: '' }) : app.choose(other));
  return el('button', { type: 'button', class: 'link', click: act }, el('bdi', {}, id));
}

/** @param {App} app @param {Item} row @param {Item} column */
function groupCard(app, row, column) {
  const counts = app.pairs.counts(row, column);
  const folded = [row, column].filter((item) => item.kind !== 'leaf');
  const names = [...new Set(folded.map((item) => item.name))];
  return el('section', {},
    el('h2', {}, el('span', { class: 'way' }, 'from '), el('bdi', {}, itemName(app.model, row)), el('span', { class: 'way' }, ' to '), el('bdi', {}, itemName(app.model, column))),
    el('p', { class: 'verdict' }, countWords(counts, app.state.time)),
    el('ul', { class: 'tally' }, STATUSES.map((status, code) => (code !== CODE.absent && counts[code] ? el('li', {}, el('span', { class: `sign ${status.name}` }), `${counts[code].toLocaleString('en')} ${status.word}`) : null))),
    names.map((name) => el('button', { type: 'button', class: 'quiet', click: () => app.unfold(name) }, 'Unfold ', el('bdi', {}, name || 'external'))),
    pairList(app, row, column));
}

/** @param {App} app @param {Item} row @param {Item} column */
function pairList(app, row, column) {
  const interesting = new Set(app.state.time === 'difference' ? CHANGED : [...OPEN, CODE.maybe]);
  /** @type {[number, number][]} */
  const found = [];
  for (const i of row.members) {
    for (const j of column.members) {
      if (i !== j && found.length <= MOST && interesting.has(app.pairs.at(i, j))) found.push([i, j]);
    }
  }
  if (!found.length) return null;
  return el('ol', { class: 'pairs' }, found.slice(0, MOST).map(([i, j]) => pairLine(app, i, j)),
    found.length > MOST && el('li', { class: 'rest' }, 'and more: unfold, or see the table'));
}

/** @param {App} app @param {number} i @param {number} j */
function pairLine(app, i, j) {
  const [one, two] = [app.leaf(i), app.leaf(j)];
  const act = () => app.choose({ from: one.key, to: two.key });
  return el('li', {}, el('span', { class: `sign ${STATUSES[app.pairs.at(i, j)].name}` }),
    el('button', { type: 'button', class: 'link', click: act }, el('bdi', {}, one.key), ' → ', el('bdi', {}, two.key)),
    el('span', { class: 'what' }, pairWords(app, one, two)));
}

/** @param {App} app @param {Item} item */
function endCard(app, item) {
  if (item.kind !== 'leaf') return namespaceCard(app, item);
  const endpoint = app.model.endpoints[item.index];
  return el('section', {},
    el('h2', {}, el('bdi', {}, endpoint.id)),
    el('p', { class: 'about' }, about(endpoint)),
    el('ul', { class: 'labels' }, endpoint.labels.map(([key, value]) => el('li', {}, el('bdi', {}, endpoint.unseen ? value : `${key}=${value}`)))),
    isolation(app, item.index),
    reaches(app, item.index, 'from', 'reaches'),
    reaches(app, item.index, 'to', 'is reached by'));
}

/** @param {Endpoint} endpoint */
function about(endpoint) {
  if (endpoint.unseen) return 'Pods that nobody has shown, and that policies let connect once they are there. More about them stands below.';
  if (endpoint.external) return 'Addresses outside the cluster that every policy treats alike.';
  const pods = endpoint.replicas === null ? 'number of pods not known' : plural(endpoint.replicas, 'pod');
  return [endpoint.kind, pods, endpoint.host && 'on the host network: policies do not apply', endpoint.place].filter(Boolean).join(' · ');
}

/** @param {App} app @param {number} index */
function isolation(app, index) {
  const now = app.side();
  const side = now.rows[index] < 0 && app.model.before ? app.model.before : now;
  if (app.model.endpoints[index].external || side.rows[index] < 0) return null;
  /** @param {Direction} direction @param {string} way */
  const line = (direction, way) => {
    const found = isolating(side, direction, index);
    const names = found.map(({ policy, selects }, k) => [k ? ', ' : '', selects === MATCH.MAYBE && 'perhaps ', el('code', { title: policy.place }, policy.name)]);
    return el('p', {}, found.length ? [`${way} is restricted by `, names, '.'] : `${way} is restricted by no policy.`);
  };
  return el('div', { class: 'isolation' }, line('ingress', 'Who may connect to it'), line('egress', 'Whom it may connect to'));
}

/** @param {App} app @param {number} index @param {'from' | 'to'} end @param {string} verb */
function reaches(app, index, end, verb) {
  /** @param {number} other @returns {[number, number]} */
  const ask = (other) => (end === 'from' ? [index, other] : [other, index]);
  const interesting = new Set(app.state.time === 'difference' ? CHANGED : [...OPEN, CODE.maybe]);
  const others = app.model.endpoints.map((_, other) => other)
    .filter((other) => (other !== index || !alone(app.model, index)) && interesting.has(app.pairs.at(...ask(other))));
  const lines = others.slice(0, MOST).map((other) => pairLine(app, ...ask(other)));
  const rest = others.length - lines.length;
  return el('div', {}, el('h3', {}, `${verb} ${others.length ? others.length.toLocaleString('en') : 'nothing'}`.replace('by nothing', 'by nobody')),
    el('ol', { class: 'pairs' }, lines, rest > 0 && el('li', { class: 'rest' }, `and ${rest.toLocaleString('en')} more`)));
}

/** @param {App} app @param {NamespaceItem} item */
function namespaceCard(app, item) {
  const shown = item.members.slice(0, 3 * MOST).map((index) => el('li', {}, nameButton(app, index)));
  const rest = item.members.length - shown.length;
  return el('section', {}, el('h2', {}, itemName(app.model, item)),
    el('p', { class: 'about' }, item.unseen ? 'Who they are stands below.' : plural(item.members.length, item.external ? 'address range' : 'workload')),
    el('button', { type: 'button', class: 'quiet', click: () => app.unfold(item.name) }, 'Unfold'),
    el('ul', { class: 'names' }, shown, rest > 0 && el('li', { class: 'rest' }, `and ${rest.toLocaleString('en')} more`)));
}
