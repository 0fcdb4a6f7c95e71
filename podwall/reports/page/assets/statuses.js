// What a cell can say: a word for everyone, a sign that needs no colour, and a class for the style.

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

export const CODE = Object.fromEntries(STATUSES.map((status, code) => [status.name, code]));

export const PLAIN = ['all', 'some', 'maybe', 'none'];
export const COMPARED = ['opens', 'widens', 'changes', 'narrows', 'closes', 'same', 'none'];

export const CHANGED = [CODE.opens, CODE.widens, CODE.changes, CODE.narrows, CODE.closes];
export const OPEN = [CODE.all, CODE.some];

// The most telling of several statuses: what a folded cell shows.
const TELLING = ['changes', 'opens', 'widens', 'closes', 'narrows', 'maybe', 'some', 'all', 'same', 'none', 'absent'];

export function mostTelling(counts) {
  return TELLING.map((name) => CODE[name]).find((code) => counts[code] > 0) ?? CODE.absent;
}
