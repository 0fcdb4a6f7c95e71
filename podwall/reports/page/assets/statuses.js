// The statuses of a pair: a word for everyone, a sign that needs no colour, a class for the style.

/** @import { Status } from './types.js' */

/** @type {Status[]} */
export const STATUSES = [
  { name: 'absent', word: 'does not exist', sign: '' },
  { name: 'none', word: 'denied', sign: '·' },
  { name: 'maybe', word: 'undetermined', sign: '?' },
  { name: 'some', word: 'some ports', sign: '◐' },
  { name: 'all', word: 'all ports', sign: '●' },
  { name: 'opens', word: 'opens', sign: '+' },
  { name: 'closes', word: 'closes', sign: '−' },
  { name: 'widens', word: 'widens', sign: '▲' },
  { name: 'narrows', word: 'narrows', sign: '▼' },
  { name: 'changes', word: 'changes', sign: '±' },
  { name: 'same', word: 'open, unchanged', sign: '=' },
];

/** @type {Record<string, number>} */
export const CODE = Object.fromEntries(STATUSES.map((status, code) => [status.name, code]));

export const PLAIN = ['all', 'some', 'maybe', 'none'];
export const COMPARED = ['opens', 'widens', 'changes', 'narrows', 'closes', 'same', 'none'];

export const CHANGED = [CODE.opens, CODE.widens, CODE.changes, CODE.narrows, CODE.closes];
export const OPEN = [CODE.all, CODE.some];

// Of several statuses a folded cell shows the first of these.
const FIRST = ['changes', 'opens', 'widens', 'closes', 'narrows', 'maybe', 'some', 'all', 'same', 'none', 'absent'];

// The status of a folded cell, by how many of its pairs have each.
/** @param {ArrayLike<number>} counts */
export function foldedStatus(counts) {
  return FIRST.map((name) => CODE[name]).find((code) => counts[code] > 0) ?? CODE.absent;
}
