// Reads the embedded document: as JSON or, where that is long, as deflated JSON in base64.
//
// Nothing is asked of the network: the browser inflates what stands in the page itself, which it can
// since 2023 (Chromium 80, Firefox 113, Safari 16.4).

import { byId } from './dom.js';

/** @import { PageDocument } from './types.js' */

/** @param {HTMLElement} element @returns {Promise<PageDocument>} */
export async function embedded(element) {
  const text = element.textContent ?? '';
  return JSON.parse(element.dataset.packed === 'deflate' ? await inflated(text.trim()) : text);
}

/** @param {string} text @returns {Promise<string>} */
function inflated(text) {
  if (!('DecompressionStream' in window)) {
    const note = byId('empty');
    note.textContent = 'This browser is too old to unpack a page of so many workloads: use one of 2023 or later.';
    note.hidden = false;
    throw new Error('this browser has no DecompressionStream');
  }
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate'))).text();
}
