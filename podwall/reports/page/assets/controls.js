// The filters, the choice of view and time, and the legend, which is a filter too.

import { allOf, byId, el, rested } from './dom.js';
import { parsedPort } from './ports.js';
import { CODE, COMPARED, PLAIN, STATUSES } from './statuses.js';

/** @import { App, AskedPort, Model, Time, ViewName } from './types.js' */

const SUGGESTED = 600;
const ALWAYS = [...PLAIN, 'opens', 'closes'];

/** @type {('from' | 'to' | 'port')[]} */
const FIELDS = ['from', 'to', 'port'];

/** @param {App} app */
export function controls(app) {
  fields(app);
  for (const button of allOf('[data-view]')) {
    button.addEventListener('click', () => app.set({ view: /** @type {ViewName} */ (button.dataset.view) }));
  }
  for (const button of allOf('[data-time]')) {
    button.addEventListener('click', () => app.set({ time: /** @type {Time} */ (button.dataset.time), statuses: new Set() }));
  }
  byId('fold').addEventListener('click', () => app.foldAll());
  byId('unfold').addEventListener('click', () => app.unfoldAll());
  byId('times').hidden = !app.model.before;
  byId('names').append(...suggestions(app.model));
  return { show: () => show(app) };
}

/** @param {string} id */
function field(id) {
  return /** @type {HTMLInputElement} */ (byId(id));
}

/** @param {App} app */
function fields(app) {
  const typed = rested(() => app.set({ from: field('from').value, to: field('to').value, ...portOf(field('port').value) }));
  for (const id of FIELDS) {
    field(id).value = app.state[id];
    field(id).addEventListener('input', typed);
  }
  byId('filters').addEventListener('submit', (event) => event.preventDefault());
  byId('clear').addEventListener('click', () => {
    for (const id of FIELDS) field(id).value = '';
    app.set({ from: '', to: '', port: '', asked: null, statuses: new Set() });
  });
  Object.assign(app.state, portOf(app.state.port));
}

/** @param {string} text @returns {{ port?: string, asked?: AskedPort | null }} */
function portOf(text) {
  const asked = parsedPort(text);
  byId('port').setAttribute('aria-invalid', String(asked === undefined));
  byId('port-help').hidden = asked !== undefined;
  return asked === undefined ? {} : { port: text.trim(), asked };
}

/** @param {Model} model */
function suggestions(model) {
  const namespaces = model.namespaces.filter((each) => !each.external).map((each) => `${each.name}/`);
  const ids = model.endpoints.length <= SUGGESTED ? model.endpoints.map((each) => each.id) : [];
  return [...namespaces, ...ids].map((value) => el('option', { value }));
}

/** @param {App} app */
function show(app) {
  const { state } = app;
  for (const button of allOf('[data-view]')) button.setAttribute('aria-pressed', String(button.dataset.view === state.view));
  for (const button of allOf('[data-time]')) button.setAttribute('aria-pressed', String(button.dataset.time === state.time));
  byId('folding').hidden = state.view === 'table';
  byId('clear').hidden = !(state.from || state.to || state.port || state.statuses.size);
  const counts = app.totals();
  const names = state.time === 'difference' ? COMPARED : PLAIN;
  const shown = names.filter((name) => counts[CODE[name]] || ALWAYS.includes(name) || state.statuses.has(CODE[name]));
  byId('legend').replaceChildren(el('li', { class: 'what' }, app.isInside() ? 'Between workloads:' : 'Shown here:'), ...shown.map((name) => key(app, CODE[name], counts[CODE[name]])));
}

/** @param {App} app @param {number} code @param {number} count */
function key(app, code, count) {
  const { name, word } = STATUSES[code];
  const on = app.state.statuses.has(code);
  const label = app.state.asked && name === 'all' ? 'allowed' : word;
  if (app.state.asked && name === 'some') return '';
  return el('li', {}, el('button', { type: 'button', 'aria-pressed': String(on), 'data-status': name, click: () => app.toggle(code) },
    el('span', { class: `sign ${name}` }), el('b', {}, count.toLocaleString('en')), ` ${label}`));
}
