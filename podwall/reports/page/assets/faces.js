// What a cell looks like: its status, a text where there is room, the part of a group that is open.

import { alone } from './lens.js';
import { verdictAt } from './model.js';
import { brief } from './ports.js';
import { CODE, OPEN, STATUSES, mostTelling } from './statuses.js';
import { total } from './words.js';

export function faceOf(app, row, column, room) {
  const single = row.kind === 'leaf' && column.kind === 'leaf';
  return single ? leafFace(app, row.index, column.index, room) : groupFace(app, row, column, room);
}

function leafFace(app, i, j, room) {
  const { model, lens, state } = app;
  if (i === j && alone(model, i)) return { status: 'self' };
  const { name } = STATUSES[lens.at(i, j)];
  const quiet = state.statuses.size > 0 && !state.statuses.has(CODE[name]);
  return { status: name, text: portsIn(app, name, i, j, room), quiet };
}

function portsIn({ model, state }, status, i, j, room) {
  if (!['all', 'some', 'opens', 'same', 'widens', 'narrows'].includes(status) || room === 0 || state.asked) return null;
  const verdict = verdictAt(model[state.time === 'difference' ? 'after' : state.time], i, j);
  return verdict < 0 ? null : brief(model.ports[model.verdicts[verdict].allowed], room);
}

function groupFace({ lens, state }, row, column, room) {
  const counts = lens.counts(row, column);
  const all = total(counts);
  if (all === 0) return { status: 'self' };
  const status = STATUSES[mostTelling(counts)].name;
  if (state.time === 'difference') return changedFace(counts, status, room);
  const open = OPEN.reduce((sum, code) => sum + counts[code], 0);
  const whole = open === all && !counts[CODE.maybe] ? ' whole' : '';
  return { status: `${status} part${whole}`, part: open / all, text: open && room ? portion(open, all, room) : null };
}

// Where some connections open and others close, the group as a whole changes.
function changedFace(counts, status, room) {
  const more = counts[CODE.opens] + counts[CODE.widens];
  const less = counts[CODE.closes] + counts[CODE.narrows];
  const written = [more && `+${more}`, less && `−${less}`].filter(Boolean).join(' ');
  const both = more && less ? 'changes' : status;
  return { status: `${both} part counted`, text: written && written.length <= room ? written : null };
}

function portion(open, all, longest) {
  if (open === all) return 'all';
  const exact = `${open}/${all}`;
  if (exact.length <= longest) return exact;
  const percent = (100 * open) / all;
  if (percent < 1) return '<1%';
  return open < all && percent > 99 ? '>99%' : `${Math.round(percent)}%`;
}
