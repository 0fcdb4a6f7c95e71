// What a cell looks like: its status, a text where there is room, the part of a group that is open.

import { sideAt, verdictAt } from './model.js';
import { alone } from './pair_statuses.js';
import { brief } from './ports.js';
import { CODE, OPEN, STATUSES, foldedStatus } from './statuses.js';
import { total } from './words.js';

/** @import { App, CellLook, Item } from './types.js' */

const WITH_PORTS = ['all', 'some', 'opens', 'same', 'widens', 'narrows'];

/** @param {App} app @param {Item} row @param {Item} column @param {number} room @returns {CellLook} */
export function cellLook(app, row, column, room) {
  if (row.kind === 'leaf' && column.kind === 'leaf') return pairLook(app, row.index, column.index, room);
  return groupLook(app, row, column, room);
}

/** @param {App} app @param {number} i @param {number} j @param {number} room @returns {CellLook} */
function pairLook(app, i, j, room) {
  const { model, pairs, state } = app;
  if (i === j && alone(model, i)) return { status: 'self' };
  const code = pairs.at(i, j);
  const { name } = STATUSES[code];
  const quiet = state.statuses.size > 0 && !state.statuses.has(code);
  return { status: name, text: quiet ? null : portsIn(app, name, i, j, room), quiet };
}

/** @param {App} app @param {string} status @param {number} i @param {number} j @param {number} room */
function portsIn({ model, state }, status, i, j, room) {
  if (!WITH_PORTS.includes(status) || room === 0 || state.asked) return null;
  const verdict = verdictAt(sideAt(model, state.time === 'before' ? 'before' : 'after'), i, j);
  return verdict < 0 ? null : brief(model.ports[model.verdicts[verdict].allowed], room);
}

/** @param {App} app @param {Item} row @param {Item} column @param {number} room @returns {CellLook} */
function groupLook({ pairs, state }, row, column, room) {
  const counts = pairs.counts(row, column);
  const all = total(counts);
  if (all === 0) return { status: 'self' };
  const status = STATUSES[foldedStatus(counts)].name;
  if (state.time === 'difference') return changedLook(counts, status, room);
  const open = OPEN.reduce((sum, code) => sum + counts[code], 0);
  const whole = open === all && !counts[CODE.maybe] ? ' whole' : '';
  return { status: `${status} part${whole}`, part: open / all, text: open && room ? portion(open, all, room) : null };
}

// Where some connections open and others close, the group as a whole changes.
/** @param {Float64Array} counts @param {string} status @param {number} room @returns {CellLook} */
function changedLook(counts, status, room) {
  const more = counts[CODE.opens] + counts[CODE.widens];
  const less = counts[CODE.closes] + counts[CODE.narrows];
  const written = [more && `+${more}`, less && `−${less}`].filter(Boolean).join(' ');
  const both = more && less ? 'changes' : status;
  return { status: `${both} part counted`, text: written && written.length <= room ? written : null };
}

/** @param {number} open @param {number} all @param {number} longest */
function portion(open, all, longest) {
  if (open === all) return 'all';
  const exact = `${open}/${all}`;
  if (exact.length <= longest) return exact;
  const percent = (100 * open) / all;
  if (percent < 1) return '<1%';
  return open < all && percent > 99 ? '>99%' : `${Math.round(percent)}%`;
}
