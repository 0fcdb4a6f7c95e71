// Says in words what a cell shows; screen readers, titles and the panel all use these sentences.

import { CODE, CHANGED, OPEN, STATUSES } from './statuses.js';
import { ABSENT, verdictAt } from './model.js';

export function plural(count, one, many = `${one}s`) {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
}

export function itemName(model, item) {
  if (item.kind === 'leaf') return model.endpoints[item.index].id;
  return item.external ? 'outside the cluster' : `namespace ${item.name}`;
}

export function pairLabel(app, row, column) {
  return `from ${itemName(app.model, row)} to ${itemName(app.model, column)}: ${pairWords(app, row, column)}`;
}

export function pairWords({ model, lens, state }, row, column) {
  if (row.kind !== 'leaf' || column.kind !== 'leaf') return countWords(lens.counts(row, column), state.time);
  if (row.index === column.index && model.endpoints[row.index].replicas === 1) return 'the same pod';
  const code = lens.at(row.index, column.index);
  if (code === CODE.absent) return 'not asked';
  if (state.asked) return code === CODE.all ? 'allowed' : STATUSES[code].word;
  if (state.time === 'difference') return differenceWords(model, code, row.index, column.index);
  return verdictWords(model, verdictAt(model[state.time], row.index, column.index));
}

export function verdictWords(model, index) {
  if (index === ABSENT) return 'does not exist';
  const verdict = model.verdicts[index];
  const allowed = model.ports[verdict.allowed].text;
  const maybe = verdict.undetermined.map(([ports]) => `undetermined on ${model.ports[ports].text}`);
  if (allowed === 'no ports') return maybe.length ? maybe.join(', ') : 'denied';
  return [allowed, ...maybe].join('; ');
}

function differenceWords(model, code, source, destination) {
  const before = verdictWords(model, verdictAt(model.before, source, destination));
  const after = verdictWords(model, verdictAt(model.after, source, destination));
  const word = STATUSES[code].word;
  return before === after ? `${word}, ${after}` : `${word}: was ${before}, becomes ${after}`;
}

export function countWords(counts, time) {
  const all = total(counts);
  if (all === 0) return 'nothing to ask';
  if (time === 'difference') {
    const parts = CHANGED.filter((code) => counts[code]).map((code) => `${counts[code]} ${verb(code, counts[code])}`);
    return parts.length ? `${parts.join(', ')} of ${all}` : `no change in ${plural(all, 'connection')}`;
  }
  const open = OPEN.reduce((sum, code) => sum + counts[code], 0);
  const maybe = counts[CODE.maybe] ? `, ${counts[CODE.maybe]} undetermined` : '';
  return `${open.toLocaleString('en')} of ${plural(all, 'connection')} open${maybe}`;
}

function verb(code, count) {
  const word = STATUSES[code].word;
  return count === 1 ? word : word.replace(/s$/, '');
}

export function total(counts) {
  return counts.reduce((sum, count, code) => (code === CODE.absent ? sum : sum + count), 0);
}
