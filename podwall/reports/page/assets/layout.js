// Where rows and columns lie, in pixels, and which of them a window shows.

/** @import { CellSize, Item, Layout, Places } from './types.js' */

const BAND = 26;
const GAP = 8;
const LETTER = 7;
const NAME = 150;
const SHORT_NAME = 104;
const WIDEST = 0.46;
/** @type {CellSize[]} */
const SIZES = [
  { upTo: 8, name: 'wide', least: 84, most: 116, height: 44, text: 11 },
  { upTo: 28, name: 'middle', least: 33, most: 44, height: 30, text: 5 },
  { upTo: Infinity, name: 'small', least: 24, most: 24, height: 24, text: 0 },
];

/** @param {Item[]} rows @param {Item[]} columns @param {number} room @returns {Layout} */
export function layoutOf(rows, columns, room) {
  const count = columns.filter((item) => item.kind !== 'band').length;
  const narrow = room < 640;
  const size = SIZES.find((each) => count <= each.upTo && (each.name !== 'wide' || !narrow || count <= 2)) ?? SIZES[0];
  const side = narrow ? clamp(longest(rows) * LETTER + 46, 116, room * WIDEST) : clamp(longest(rows) * LETTER + 62, 110, 300);
  const gaps = new Set(columns.map((item) => item.namespace)).size * GAP;
  const width = clamp(Math.floor((room - side - gaps - 6) / count), size.least, size.most);
  const lacking = lackingOf(columns, width, narrow ? NAME : SHORT_NAME);
  const band = columns.some((item) => item.kind === 'band') ? BAND : 0;
  return {
    size,
    width,
    side,
    band,
    top: band + headerHeight(columns, size),
    lacking,
    rows: placed(rows, (item) => (item.kind === 'band' ? BAND : size.height), () => GAP / 2),
    columns: placed(columns, (item) => (item.kind === 'band' ? 0 : width), (item) => GAP + lacking(item)),
  };
}

// Of a namespace with few columns, how much room its name needs behind the last one.
/** @param {Item[]} columns @param {number} width @param {number} most @returns {(item: Item) => number} */
function lackingOf(columns, width, most) {
  const bands = columns.filter((item) => item.kind === 'band');
  const needed = new Map(bands.map((item) => [item.namespace, Math.min(most, (item.name || 'external').length * LETTER + 26)]));
  return (item) => Math.max(0, (needed.get(item.namespace) ?? 0) - columns.filter((each) => each.kind === 'leaf' && each.namespace === item.namespace).length * width);
}

/** @param {Item[]} columns @param {CellSize} size */
function headerHeight(columns, size) {
  return size.name === 'wide' ? 46 : clamp(longest(columns) * LETTER + 30, 60, 136);
}

/** @param {Item[]} items */
function longest(items) {
  return Math.max(0, ...items.filter((item) => item.kind !== 'band').map((item) => item.name.length));
}

/** @param {number} value @param {number} least @param {number} most */
function clamp(value, least, most) {
  return Math.max(least, Math.min(most, Math.round(value)));
}

// A gap parts an unfolded namespace from its neighbours.
/** @param {Item[]} items @param {(item: Item) => number} extent @param {(item: Item) => number} gap @returns {Places} */
function placed(items, extent, gap) {
  const starts = new Float64Array(items.length + 1);
  let at = 0;
  items.forEach((item, index) => {
    if (index > 0 && parted(items[index - 1], item)) at += gap(items[index - 1]);
    starts[index] = at;
    at += extent(item);
  });
  const last = items.at(-1);
  if (last) at += gap(last) - gap({ ...last, namespace: -1 });
  starts[items.length] = at;
  return { items, starts, extents: items.map(extent), total: at };
}

/** @param {Item} one @param {Item} two */
function parted(one, two) {
  return one.namespace !== two.namespace && !(one.kind === 'group' && two.kind === 'group');
}

// The items between two positions, in steps of `step`, so that small scrolls change nothing.
/** @param {Places} places @param {number} from @param {number} to @returns {[number, number]} */
export function drawnPart(places, from, to, step = 4) {
  const count = places.items.length;
  const first = Math.max(0, Math.floor((search(places.starts, from) - 1) / step) * step);
  const last = Math.min(count, Math.ceil((search(places.starts, to) + 1) / step) * step);
  return [first, last];
}

/** @param {Float64Array} starts @param {number} position */
function search(starts, position) {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (starts[middle] <= position) low = middle + 1;
    else high = middle;
  }
  return low;
}
