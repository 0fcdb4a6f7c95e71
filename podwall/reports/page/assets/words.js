// Says in words what a cell shows; screen readers, titles and the panel all use these sentences.

import { ABSENT, sideAt, verdictAt } from './model.js';
import { isSamePod } from './pair_statuses.js';
import { CODE, CHANGED, OPEN, STATUSES } from './statuses.js';

/** @import { App, Item, Model, Time } from './types.js' */

// Made once: for each number by itself it would take longer than drawing the cell that it stands in.
const NUMBERS = new Intl.NumberFormat('en');

/** @param {number} count @param {string} one @param {string} many */
export function plural(count, one, many = `${one}s`) {
  return `${NUMBERS.format(count)} ${count === 1 ? one : many}`;
}

/** @param {Model} model @param {Item} item */
export function itemName(model, item) {
  if (item.kind === 'leaf') return model.endpoints[item.index].id;
  if (item.unseen) return 'pods that are not shown';
  return item.external ? 'outside the cluster' : `namespace ${item.name}`;
}

/** @param {App} app @param {Item} row @param {Item} column */
export function pairLabel(app, row, column) {
  return `from ${itemName(app.model, row)} to ${itemName(app.model, column)}: ${pairWords(app, row, column)}`;
}

/** @param {App} app @param {Item} row @param {Item} column */
export function pairWords({ model, pairs, state }, row, column) {
  if (row.kind !== 'leaf' || column.kind !== 'leaf') return countWords(pairs.counts(row, column), state.time);
  if (isSamePod(model, row, column)) return 'the same pod';
  const code = pairs.at(row.index, column.index);
  if (code === CODE.absent) return 'not asked';
  if (state.asked) return code === CODE.all ? 'allowed' : STATUSES[code].word;
  if (state.time === 'difference') return differenceWords(model, code, row.index, column.index);
  return verdictWords(model, verdictAt(sideAt(model, state.time), row.index, column.index));
}

/** @param {Model} model @param {number} index */
export function verdictWords(model, index) {
  if (index === ABSENT) return 'does not exist';
  const verdict = model.verdicts[index];
  const allowed = model.ports[verdict.allowed].text;
  const maybe = verdict.undetermined.map(([ports]) => `undetermined on ${model.ports[ports].text}`);
  if (allowed === 'no ports') return maybe.length ? maybe.join(', ') : 'denied';
  return [allowed, ...maybe].join('; ');
}

/** @param {Model} model @param {number} code @param {number} source @param {number} destination */
function differenceWords(model, code, source, destination) {
  const before = verdictWords(model, verdictAt(sideAt(model, 'before'), source, destination));
  const after = verdictWords(model, verdictAt(model.after, source, destination));
  const { word } = STATUSES[code];
  return before === after ? `${word}, ${after}` : `${word}: was ${before}, becomes ${after}`;
}

/** @param {Float64Array} counts @param {Time} time */
export function countWords(counts, time) {
  const all = total(counts);
  if (all === 0) return 'nothing to ask';
  if (time === 'difference') {
    const parts = CHANGED.filter((code) => counts[code]).map((code) => `${counts[code]} ${verb(code, counts[code])}`);
    return parts.length ? `${parts.join(', ')} of ${all}` : `no change in ${plural(all, 'connection')}`;
  }
  const open = OPEN.reduce((sum, code) => sum + counts[code], 0);
  const maybe = counts[CODE.maybe] ? `, ${counts[CODE.maybe]} undetermined` : '';
  return `${NUMBERS.format(open)} of ${plural(all, 'connection')} open${maybe}`;
}

/** @param {number} code @param {number} count */
function verb(code, count) {
  const { word } = STATUSES[code];
  return count === 1 ? word : word.replace(/s$/, '');
}

/** @param {Float64Array} counts */
export function total(counts) {
  return counts.reduce((sum, count, code) => (code === CODE.absent ? sum : sum + count), 0);
}
