// On paper there is no window to scroll: everything is drawn, or folded where it would be too much.

import { byId } from './dom.js';

/** @import { App, MatrixView } from './types.js' */

const MOST = 60;

/** @param {App} app @param {MatrixView} matrix @param {() => void} show */
export function printing(app, matrix, show) {
  /** @type {Set<string>} */
  const shown = new Set();
  window.addEventListener('beforeprint', () => {
    const many = Math.max(app.rows.length, app.columns.length) > MOST;
    if (many) {
      for (const name of app.folded) shown.add(name);
      app.foldAll();
    }
    matrix.everything = true;
    show();
    const width = matrix.grid.offsetWidth;
    byId('view').style.setProperty('--fit', String(Math.min(1, 1000 / Math.max(width, 1))));
  });
  window.addEventListener('afterprint', () => {
    matrix.everything = false;
    if (shown.size) app.folded = new Set(shown);
    shown.clear();
    show();
  });
  byId('print').addEventListener('click', () => window.print());
}
