// Decodes the embedded document: endpoints, namespaces, and the verdict of every ordered pair.
//
// Verdicts are stored by class: endpoints that behave alike share a row (as a source) and a column
// (as a destination), so 5,000 workloads need no 25 million entries.

/** @import { Endpoint, Model, Namespace, PageDocument, PageEndpoint, PageSide, Side } from './types.js' */

export const ABSENT = -1;
export const DENIED = 0;

// What stands in the place of a namespace above pods that the source does not show. No namespace is
// called so: their names have no space.
export const NOT_SHOWN = 'not shown';

/** @param {PageDocument} raw @returns {Model} */
export function decoded(raw) {
  const namespaces = namespacesOf(raw.endpoints);
  return {
    ...raw,
    endpoints: grouped(raw.endpoints, namespaces),
    namespaces,
    after: sideOf(raw.after, raw.endpoints),
    before: raw.before && sideOf(raw.before, raw.endpoints),
    changes: new Map(raw.changes.map((change) => [changeKey(change.before, change.after), change])),
    indexOf: new Map(raw.endpoints.map((endpoint, index) => [endpoint.id, index])),
  };
}

// Endpoints come sorted, so that each namespace is one run of them.
/** @param {PageEndpoint[]} endpoints */
function namespacesOf(endpoints) {
  /** @type {Namespace[]} */
  const namespaces = [];
  endpoints.forEach((endpoint, index) => {
    const last = namespaces.at(-1);
    if (last && (last.unseen || last.name === endpoint.namespace) && last.external === endpoint.external && last.unseen === endpoint.unseen) {
      last.members.push(index);
    } else {
      namespaces.push({
        index: namespaces.length,
        name: endpoint.unseen ? NOT_SHOWN : endpoint.namespace,
        external: endpoint.external,
        unseen: endpoint.unseen,
        members: [index],
      });
    }
  });
  return namespaces;
}

/** @param {PageEndpoint[]} endpoints @param {Namespace[]} namespaces @returns {Endpoint[]} */
function grouped(endpoints, namespaces) {
  const groups = namespaces.flatMap((namespace) => namespace.members.map(() => namespace.index));
  return endpoints.map((endpoint, index) => ({ ...endpoint, group: groups[index] }));
}

/** @param {PageSide} side @param {PageEndpoint[]} endpoints @returns {Side} */
function sideOf(side, endpoints) {
  const width = Math.max(-1, ...side.columns) + 1;
  const cells = new Uint32Array(side.cells.length * width);
  side.cells.forEach((runs, row) => {
    let at = row * width;
    for (let k = 0; k < runs.length; k += 2) {
      cells.fill(runs[k], at, at + runs[k + 1]);
      at += runs[k + 1];
    }
  });
  return {
    ...side,
    width,
    cells,
    rows: Int32Array.from(side.rows),
    columns: Int32Array.from(side.columns),
    outside: Uint8Array.from(endpoints, (endpoint) => (endpoint.external ? 1 : 0)),
  };
}

// The index of the verdict from one endpoint to another, ABSENT where one of them does not exist.
/** @param {Side} side @param {number} source @param {number} destination */
export function verdictAt(side, source, destination) {
  return source === destination ? selfAt(side, source) : cellAt(side, source, destination);
}

/** @param {Side} side @param {number} source @param {number} destination */
export function cellAt(side, source, destination) {
  const row = side.rows[source];
  const column = side.columns[destination];
  if (row < 0 || column < 0 || (side.outside[source] && side.outside[destination])) return ABSENT;
  return side.cells[row * side.width + column];
}

// From a pod of a workload to another pod of the same.
/** @param {Side} side @param {number} index */
export function selfAt(side, index) {
  return side.rows[index] < 0 || side.outside[index] ? ABSENT : side.selves[index];
}

// The analysis at a time; there is one before only where the page shows a change.
/** @param {Model} model @param {'before' | 'after'} time @returns {Side} */
export function sideAt(model, time) {
  return time === 'before' && model.before ? model.before : model.after;
}

/** @param {number} before @param {number} after */
export function changeKey(before, after) {
  return before * 1048576 + after;
}

// Whether a set of endpoints, written as runs [first, count, ...], contains one.
/** @param {number[]} runs @param {number} index */
export function includes(runs, index) {
  for (let k = 0; k < runs.length; k += 2) {
    if (index < runs[k]) return false;
    if (index < runs[k] + runs[k + 1]) return true;
  }
  return false;
}
