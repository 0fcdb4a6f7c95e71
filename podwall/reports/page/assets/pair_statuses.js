// The status of every pair as the reader asks: at a time (or the difference of two), on one port.

import { ABSENT, cellAt, changeKey, selfAt, sideAt } from './model.js';
import { contains, isEmpty } from './ports.js';
import { CODE, STATUSES } from './statuses.js';

/** @import { AskedPort, Item, Model, PageVerdict, PairStatuses, Side, Time } from './types.js' */

/**
 * The status of a pair and of a workload with itself; pairs of equal keys have equal statuses.
 * @typedef {object} StatusReader
 * @property {(source: number, destination: number) => number} cell
 * @property {(index: number) => number} self
 * @property {Int32Array} rowKeys
 * @property {Int32Array} columnKeys
 */

/** @param {Model} model @param {Time} time @param {AskedPort | null} asked @returns {PairStatuses} */
export function pairStatuses(model, time, asked) {
  const status = model.verdicts.map((verdict) => statusOf(model, verdict, asked));
  const read = time === 'difference' && model.before
    ? difference(model, model.before, status, asked)
    : single(sideAt(model, time === 'before' ? 'before' : 'after'), status);
  return { time, asked, ...counting(model, read) };
}

/** @param {Side} side @param {number[]} status @returns {StatusReader} */
function single(side, status) {
  /** @param {number} verdict */
  const of = (verdict) => (verdict === ABSENT ? CODE.absent : status[verdict]);
  return {
    cell: (i, j) => of(cellAt(side, i, j)),
    self: (i) => of(selfAt(side, i)),
    rowKeys: side.rows,
    columnKeys: side.columns,
  };
}

/**
 * @param {Model} model
 * @param {Side} before
 * @param {number[]} status
 * @param {AskedPort | null} asked
 * @returns {StatusReader}
 */
function difference(model, before, status, asked) {
  const { after } = model;
  /** @type {Map<number, number>} */
  const known = new Map();
  /** @param {number} old @param {number} now */
  const compared = (old, now) => {
    const key = changeKey(old + 1, now + 1);
    const found = known.get(key) ?? comparison(model, status, old, now, asked);
    known.set(key, found);
    return found;
  };
  return {
    cell: (i, j) => compared(cellAt(before, i, j), cellAt(after, i, j)),
    self: (i) => compared(selfAt(before, i), selfAt(after, i)),
    rowKeys: joined(before.rows, after.rows),
    columnKeys: joined(before.columns, after.columns),
  };
}

// Endpoints that are alike before and after have the same number.
/** @param {Int32Array} one @param {Int32Array} two */
function joined(one, two) {
  /** @type {Map<string, number>} */
  const numbers = new Map();
  return Int32Array.from(one, (first, index) => {
    const key = `${first} ${two[index]}`;
    const number = numbers.get(key) ?? numbers.size;
    numbers.set(key, number);
    return number;
  });
}

// What one port, or the whole verdict, amounts to.
/** @param {Model} model @param {PageVerdict} verdict @param {AskedPort | null} asked */
function statusOf(model, verdict, asked) {
  const allowed = model.ports[verdict.allowed];
  if (asked) {
    if (contains(allowed, asked)) return CODE.all;
    return verdict.undetermined.some(([ports]) => contains(model.ports[ports], asked)) ? CODE.maybe : CODE.none;
  }
  if (verdict.undetermined.length) return CODE.maybe;
  if (isEmpty(allowed)) return CODE.none;
  return allowed.all ? CODE.all : CODE.some;
}

// A pair that does not exist at one time counts as denied at that time.
/**
 * @param {Model} model
 * @param {number[]} status
 * @param {number} old
 * @param {number} now
 * @param {AskedPort | null} asked
 */
function comparison(model, status, old, now, asked) {
  if (old === ABSENT && now === ABSENT) return CODE.absent;
  const before = old === ABSENT ? CODE.none : status[old];
  const after = now === ABSENT ? CODE.none : status[now];
  if (asked) return comparedPort(before, after);
  const change = model.changes.get(changeKey(Math.max(old, 0), Math.max(now, 0)));
  if (change) return CODE[change.kind];
  return after === CODE.none ? CODE.none : CODE.same;
}

/** @param {number} before @param {number} after */
function comparedPort(before, after) {
  if (before === after) return after === CODE.none ? CODE.none : CODE.same;
  if (after === CODE.maybe || before === CODE.maybe) return CODE.changes;
  return after === CODE.all ? CODE.opens : CODE.closes;
}

/** @param {Model} model @param {StatusReader} read @returns {Omit<PairStatuses, 'time' | 'asked'>} */
function counting(model, read) {
  /** @type {Map<string, Float64Array>} */
  const cache = new Map();
  /** @param {number[]} rows @param {number[]} columns */
  const counted = (rows, columns) => counts(model, read, rows, columns);
  return {
    at: (i, j) => (i === j ? read.self(i) : read.cell(i, j)),
    cell: read.cell,
    counted,
    counts(row, column) {
      const key = `${row.key}\n${column.key}`;
      const found = cache.get(key) ?? counted(row.members, column.members);
      cache.set(key, found);
      return found;
    },
    alike: (rows, columns) => [grouped(read.rowKeys, rows), grouped(read.columnKeys, columns)],
  };
}

// Endpoints that behave alike are counted together, so that millions of pairs take no time.
/** @param {Model} model @param {StatusReader} read @param {number[]} rows @param {number[]} columns */
function counts(model, read, rows, columns) {
  const found = new Float64Array(STATUSES.length);
  const across = grouped(read.columnKeys, columns);
  for (const one of grouped(read.rowKeys, rows)) {
    for (const alike of across) found[read.cell(one[0], alike[0])] += one.length * alike.length;
  }
  const both = new Set(columns);
  for (const i of rows) {
    if (!both.has(i)) continue;
    found[read.cell(i, i)] -= 1;
    if (!alone(model, i)) found[read.self(i)] += 1;
  }
  return found;
}

// A group stands in every cell of its row, and its members are the same ones in each.
/** @type {WeakMap<Int32Array, WeakMap<number[], number[][]>>} */
const GROUPED = new WeakMap();

/** @param {Int32Array} keys @param {number[]} indices */
function grouped(keys, indices) {
  const known = GROUPED.get(keys) ?? new WeakMap();
  GROUPED.set(keys, known);
  const found = known.get(indices) ?? [...Map.groupBy(indices, (index) => keys[index]).values()];
  known.set(indices, found);
  return found;
}

// One pod has no other pod of its own workload to reach, and between ranges outside there is no verdict.
/** @param {Model} model @param {number} index */
export function alone(model, index) {
  const endpoint = model.endpoints[index];
  return endpoint.external || endpoint.replicas === 1;
}

// Whether a row and a column are one and the same pod.
/** @param {Model} model @param {Item} row @param {Item} column */
export function isSamePod(model, row, column) {
  return row.kind === 'leaf' && column.kind === 'leaf' && row.index === column.index && model.endpoints[row.index].replicas === 1;
}
