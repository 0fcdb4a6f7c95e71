// The rows and columns that are shown: namespaces folded into one, or unfolded into their workloads.

/** @import { Endpoint, Item, Leaf, Model, PairStatuses, State } from './types.js' */

/** @param {string} text @returns {(endpoint: Endpoint) => boolean} */
export function filterOf(text) {
  const words = text.trim().toLowerCase().split(/\s*,\s*/).filter(Boolean);
  if (words.length === 0) return () => true;
  return (endpoint) => words.some((word) => matches(endpoint, word));
}

// `shop/` is the namespace, `app=web` a label, anything else a part of the id.
/** @param {Endpoint} endpoint @param {string} word */
function matches(endpoint, word) {
  if (word.endsWith('/')) return `${endpoint.namespace}/`.toLowerCase() === word;
  if (word.includes('=')) return endpoint.labels.some(([key, value]) => `${key}=${value}`.toLowerCase() === word);
  if (word === 'outside' && endpoint.external && !endpoint.unseen) return true;
  return endpoint.id.toLowerCase().includes(word);
}

/** @param {Model} model @param {Uint8Array} shown @param {Set<string>} folded @returns {Item[]} */
export function axisOf(model, shown, folded) {
  /** @type {Item[]} */
  const items = [];
  for (const namespace of model.namespaces) {
    const members = namespace.members.filter((index) => shown[index]);
    if (members.length === 0) continue;
    const { index, name, external, unseen } = namespace;
    const whole = { namespace: index, name, members, external, unseen, key: `${name}/` };
    if (folded.has(name) && members.length > 1) {
      items.push({ ...whole, kind: 'group' });
    } else {
      items.push({ ...whole, kind: 'band' }, ...members.map((each) => leafOf(model, each)));
    }
  }
  return items;
}

/** @param {Model} model @param {number} index @returns {Leaf} */
export function leafOf(model, index) {
  const { id, name, group, external, unseen } = model.endpoints[index];
  return { namespace: group, external, unseen, kind: 'leaf', key: id, name, members: [index], index };
}

// Marks which endpoints stay as a source and as a destination under the filters.
/** @param {Model} model @param {PairStatuses} pairs @param {State} state */
export function shownBy(model, pairs, state) {
  const sources = marked(model, filterOf(state.from));
  const destinations = marked(model, filterOf(state.to));
  if (state.statuses.size === 0) return { sources, destinations };
  return havingStatus(pairs, state.statuses, sources, destinations);
}

/** @param {Model} model @param {(endpoint: Endpoint) => boolean} filter */
function marked(model, filter) {
  return Uint8Array.from(model.endpoints, (endpoint) => (filter(endpoint) ? 1 : 0));
}

// Only rows and columns in which some pair has one of the statuses; alike endpoints go together.
/**
 * @param {PairStatuses} pairs
 * @param {Set<number>} statuses
 * @param {Uint8Array} sources
 * @param {Uint8Array} destinations
 */
function havingStatus(pairs, statuses, sources, destinations) {
  const [rows, columns] = pairs.alike(indices(sources), indices(destinations));
  /** @param {number} i @param {number} j */
  const has = (i, j) => statuses.has(pairs.cell(i, j));
  /** @param {number[][]} groups @param {(index: number) => boolean} test */
  const kept = (groups, test) => flagged(sources.length, groups.filter((group) => test(group[0])));
  return {
    sources: kept(rows, (i) => columns.some((group) => has(i, group[0]))),
    destinations: kept(columns, (j) => rows.some((group) => has(group[0], j))),
  };
}

/** @param {number} length @param {number[][]} groups */
function flagged(length, groups) {
  const flags = new Uint8Array(length);
  for (const index of groups.flat()) flags[index] = 1;
  return flags;
}

/** @param {Uint8Array} flags */
export function indices(flags) {
  /** @type {number[]} */
  const found = [];
  flags.forEach((flag, index) => { if (flag) found.push(index); });
  return found;
}
