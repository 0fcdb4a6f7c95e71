// Looks at the pairs as the reader asks: at a moment (or the difference of two), through one port.

import { ABSENT, cellAt, changeKey, selfAt } from './model.js';
import { contains, isEmpty } from './ports.js';
import { CODE, STATUSES } from './statuses.js';

export function lensOf(model, time, asked) {
  const status = model.verdicts.map((verdict) => statusOf(model, verdict, asked));
  return time === 'difference' ? difference(model, status, asked) : moment(model, model[time], status);
}

function moment(model, side, status) {
  const told = (verdict) => (verdict === ABSENT ? CODE.absent : status[verdict]);
  return lens(model, {
    cell: (i, j) => told(cellAt(side, i, j)),
    self: (i) => told(selfAt(side, i)),
    rowKeys: side.rows,
    columnKeys: side.columns,
  });
}

function difference(model, status, asked) {
  const { before, after } = model;
  const known = new Map();
  const compared = (old, now) => {
    const key = changeKey(old + 1, now + 1);
    if (!known.has(key)) known.set(key, comparison(model, status, old, now, asked));
    return known.get(key);
  };
  return lens(model, {
    cell: (i, j) => compared(cellAt(before, i, j), cellAt(after, i, j)),
    self: (i) => compared(selfAt(before, i), selfAt(after, i)),
    rowKeys: joined(before.rows, after.rows),
    columnKeys: joined(before.columns, after.columns),
  });
}

// Endpoints that are alike at both moments have the same number.
function joined(one, two) {
  const numbers = new Map();
  return Int32Array.from(one, (first, index) => {
    const key = `${first} ${two[index]}`;
    if (!numbers.has(key)) numbers.set(key, numbers.size);
    return numbers.get(key);
  });
}

// What one port, or the whole verdict, amounts to.
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

// A pair that does not exist at one moment counts as denied at that moment.
function comparison(model, status, old, now, asked) {
  if (old === ABSENT && now === ABSENT) return CODE.absent;
  const before = old === ABSENT ? CODE.none : status[old];
  const after = now === ABSENT ? CODE.none : status[now];
  if (asked) return comparedPort(before, after);
  const change = model.changes.get(changeKey(Math.max(old, 0), Math.max(now, 0)));
  if (change) return CODE[change.kind];
  return after === CODE.none ? CODE.none : CODE.same;
}

function comparedPort(before, after) {
  if (before === after) return after === CODE.none ? CODE.none : CODE.same;
  if (after === CODE.maybe || before === CODE.maybe) return CODE.changes;
  return after === CODE.all ? CODE.opens : CODE.closes;
}

function lens(model, look) {
  const cache = new Map();
  const counted = (rows, columns) => counts(model, look, rows, columns);
  return {
    at: (i, j) => (i === j ? look.self(i) : look.cell(i, j)),
    counted,
    counts(row, column) {
      const key = `${row.key}\n${column.key}`;
      if (!cache.has(key)) cache.set(key, counted(row.members, column.members));
      return cache.get(key);
    },
    alike: (rows, columns) => [grouped(look.rowKeys, rows), grouped(look.columnKeys, columns)],
    cell: look.cell,
  };
}

// Endpoints that behave alike are counted together, so that millions of pairs take no time.
function counts(model, look, rows, columns) {
  const found = new Float64Array(STATUSES.length);
  const across = grouped(look.columnKeys, columns);
  for (const [i, ...others] of grouped(look.rowKeys, rows)) {
    for (const alike of across) found[look.cell(i, alike[0])] += (1 + others.length) * alike.length;
  }
  const both = new Set(columns);
  for (const i of rows) {
    if (!both.has(i)) continue;
    found[look.cell(i, i)] -= 1;
    if (!alone(model, i)) found[look.self(i)] += 1;
  }
  return found;
}

function grouped(keys, indices) {
  const groups = new Map();
  for (const index of indices) {
    const group = groups.get(keys[index]);
    if (group) group.push(index);
    else groups.set(keys[index], [index]);
  }
  return [...groups.values()];
}

// One pod has no other pod of its own workload to reach, and ranges outside are not our affair.
export function alone(model, index) {
  const endpoint = model.endpoints[index];
  return endpoint.external || endpoint.replicas === 1;
}
