// What the reader has set, kept in the address after `#`, so that a link shows the same.

import { CODE, STATUSES } from './statuses.js';

/** @import { Model, State, Time, ViewName } from './types.js' */

/** @type {ViewName[]} */
const VIEWS = ['matrix', 'graph', 'table'];
/** @type {Time[]} */
const TIMES = ['after', 'before', 'difference'];

/** @param {Model} model @param {string} hash @returns {State} */
export function initialState(model, hash) {
  const asked = new URLSearchParams(hash.replace(/^#/, ''));
  const times = model.before ? TIMES : TIMES.slice(0, 1);
  return {
    view: oneOf(VIEWS, asked.get('view')),
    time: oneOf(times, asked.get('time') ?? (model.before ? 'difference' : 'after')),
    from: asked.get('source') ?? '',
    to: asked.get('destination') ?? '',
    port: asked.get('port') ?? '',
    asked: null,
    statuses: new Set((asked.get('verdicts') ?? '').split(',').filter((name) => Object.hasOwn(CODE, name)).map((name) => CODE[name])),
    chosen: { from: asked.get('from') ?? '', to: asked.get('to') ?? '' },
  };
}

/** @template {string} Value @param {Value[]} values @param {string | null} value @returns {Value} */
function oneOf(values, value) {
  return values.find((each) => each === value) ?? values[0];
}

/** @param {State} state @param {Time} usualTime */
export function hashOf(state, usualTime) {
  const entries = {
    view: state.view === 'matrix' ? '' : state.view,
    time: state.time === usualTime ? '' : state.time,
    source: state.from,
    destination: state.to,
    port: state.port,
    verdicts: [...state.statuses].map((code) => STATUSES[code].name).join(','),
    from: state.chosen.from,
    to: state.chosen.to,
  };
  const kept = Object.entries(entries).filter(([, value]) => value !== '');
  return kept.length ? `#${new URLSearchParams(kept)}` : '#';
}
