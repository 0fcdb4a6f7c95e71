// Builds elements from values. Text is always a text node: nothing here can turn a name into markup.

/** @import { Attribute, Child } from './types.js' */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, Attribute>} attributes
 * @param {Child[]} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, Attribute>} attributes
 * @param {Child[]} children
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

// What stands between backticks becomes code.
/** @param {string} text @returns {Child[]} */
export function marked(text) {
  return text.split(/`([^`]*)`/).map((part, k) => (k % 2 ? el('code', {}, part) : part));
}

/** @param {string} id @returns {HTMLElement} */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element ${id}`);
  return found;
}

/** @param {string} selector @returns {HTMLElement[]} */
export function allOf(selector) {
  return [...document.querySelectorAll(selector)].filter((node) => node instanceof HTMLElement);
}

/**
 * @template {Element} Node
 * @param {Node} element
 * @param {Record<string, Attribute>} attributes
 * @param {Child[]} children
 */
function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  element.append(...flat(children));
  return element;
}

/** @param {readonly Child[]} children @returns {(Node | string)[]} */
function flat(children) {
  return children.flatMap((child) => {
    if (child === null || child === undefined || child === false) return [];
    return typeof child === 'string' || child instanceof Node ? [child] : flat(child);
  });
}

// Long work after a key press waits until the fingers rest.
/** @param {() => void} work @param {number} milliseconds */
export function rested(work, milliseconds = 120) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, milliseconds);
  };
}
