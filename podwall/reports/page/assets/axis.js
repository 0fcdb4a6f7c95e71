// The rows and columns that are shown: namespaces folded into one, or unfolded into their workloads.

export function filterOf(text) {
  const words = text.trim().toLowerCase().split(/\s*,\s*/).filter(Boolean);
  if (words.length === 0) return () => true;
  return (endpoint) => words.some((word) => matches(endpoint, word));
}

// `shop/` is the namespace, `app=web` a label, anything else a part of the id.
function matches(endpoint, word) {
  if (word.endsWith('/')) return `${endpoint.namespace}/`.toLowerCase() === word;
  if (word.includes('=')) return endpoint.labels.some(([key, value]) => `${key}=${value}`.toLowerCase() === word);
  if (word === 'outside' && endpoint.external) return true;
  return endpoint.id.toLowerCase().includes(word);
}

export function axisOf(model, shown, folded) {
  const items = [];
  for (const namespace of model.namespaces) {
    const members = namespace.members.filter((index) => shown[index]);
    if (members.length === 0) continue;
    const whole = { namespace: namespace.index, name: namespace.name, members, external: namespace.external };
    if (folded.has(namespace.name) && members.length > 1) {
      items.push({ ...whole, kind: 'group', key: `${namespace.name}/` });
    } else {
      items.push({ ...whole, kind: 'band', key: `${namespace.name}/` });
      for (const index of members) items.push({ ...whole, ...leafOf(model, index) });
    }
  }
  return items;
}

export function leafOf(model, index) {
  const { id, name, group, external } = model.endpoints[index];
  return { namespace: group, external: Boolean(external), kind: 'leaf', key: id, name, members: [index], index };
}

// Marks which endpoints stay as a source and as a destination under the filters.
export function shownBy(model, lens, state) {
  const sources = marked(model, filterOf(state.from));
  const destinations = marked(model, filterOf(state.to));
  if (state.statuses.size === 0) return { sources, destinations };
  return havingStatus(model, lens, state.statuses, sources, destinations);
}

function marked(model, filter) {
  return Uint8Array.from(model.endpoints, (endpoint) => (filter(endpoint) ? 1 : 0));
}

// Only rows and columns in which some pair has one of the statuses; alike endpoints go together.
function havingStatus(model, lens, statuses, sources, destinations) {
  const [rows, columns] = lens.alike(indices(sources), indices(destinations));
  const has = (i, j) => statuses.has(lens.cell(i, j));
  const kept = (groups, test) => flagged(sources.length, groups.filter((group) => test(group[0])));
  return {
    sources: kept(rows, (i) => columns.some((group) => has(i, group[0]))),
    destinations: kept(columns, (j) => rows.some((group) => has(group[0], j))),
  };
}

function flagged(length, groups) {
  const flags = new Uint8Array(length);
  for (const index of groups.flat()) flags[index] = 1;
  return flags;
}

export function indices(flags) {
  const found = [];
  flags.forEach((flag, index) => { if (flag) found.push(index); });
  return found;
}
