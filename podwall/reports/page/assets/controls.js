// The filters, the choice of view and moment, and the legend, which is a filter too.

import { byId, el, rested } from './dom.js';
import { parsedPort } from './ports.js';
import { CODE, COMPARED, PLAIN, STATUSES } from './statuses.js';

const SUGGESTED = 600;
const ALWAYS = [...PLAIN, 'opens', 'closes'];

export function controls(app) {
  fields(app);
  for (const group of ['view', 'time']) {
    const buttons = [...document.querySelectorAll(`[data-${group}]`)];
    for (const button of buttons) button.addEventListener('click', () => app.set({ [group]: button.dataset[group], ...(group === 'time' ? { statuses: new Set() } : {}) }));
  }
  byId('fold').addEventListener('click', () => app.foldAll());
  byId('unfold').addEventListener('click', () => app.unfoldAll());
  byId('times').hidden = !app.model.before;
  byId('names').append(...suggestions(app.model));
  return { show: () => show(app) };
}

function fields(app) {
  const typed = rested(() => app.set({ from: byId('from').value, to: byId('to').value, ...portOf(byId('port').value) }));
  for (const id of ['from', 'to', 'port']) {
    byId(id).value = app.state[id];
    byId(id).addEventListener('input', typed);
  }
  byId('filters').addEventListener('submit', (event) => event.preventDefault());
  byId('clear').addEventListener('click', () => {
    for (const id of ['from', 'to', 'port']) byId(id).value = '';
    app.set({ from: '', to: '', port: '', asked: null, statuses: new Set() });
  });
  Object.assign(app.state, portOf(app.state.port));
}

function portOf(text) {
  const asked = parsedPort(text);
  byId('port').setAttribute('aria-invalid', String(asked === undefined));
  byId('port-help').hidden = asked !== undefined;
  return asked === undefined ? {} : { port: text.trim(), asked };
}

function suggestions(model) {
  const namespaces = model.namespaces.filter((each) => !each.external).map((each) => `${each.name}/`);
  const ids = model.endpoints.length <= SUGGESTED ? model.endpoints.map((each) => each.id) : [];
  return [...namespaces, ...ids].map((value) => el('option', { value }));
}

function show(app) {
  const { state } = app;
  for (const button of document.querySelectorAll('[data-view]')) button.setAttribute('aria-pressed', String(button.dataset.view === state.view));
  for (const button of document.querySelectorAll('[data-time]')) button.setAttribute('aria-pressed', String(button.dataset.time === state.time));
  byId('folding').hidden = state.view === 'table';
  byId('clear').hidden = !(state.from || state.to || state.port || state.statuses.size);
  const counts = app.totals();
  const names = state.time === 'difference' ? COMPARED : PLAIN;
  const told = names.filter((name) => counts[CODE[name]] || ALWAYS.includes(name) || state.statuses.has(CODE[name]));
  byId('legend').replaceChildren(...told.map((name) => key(app, CODE[name], counts[CODE[name]])));
}

function key(app, code, count) {
  const { name, word } = STATUSES[code];
  const on = app.state.statuses.has(code);
  const label = app.state.asked && name === 'all' ? 'allowed' : word;
  if (app.state.asked && name === 'some') return '';
  return el('li', {}, el('button', { type: 'button', 'aria-pressed': String(on), 'data-status': name, click: () => app.toggle(code) },
    el('span', { class: `sign ${name}` }), el('b', {}, count.toLocaleString('en')), ` ${label}`));
}
