// Port sets, as the analysis gives them, and the port that a reader asks for.

/** @import { AskedPort, PagePorts, Port, Protocol } from './types.js' */

/** @type {Protocol[]} */
const PROTOCOLS = ['tcp', 'udp', 'sctp'];

// `443`, `udp/53` or `53/udp`: null for nothing asked, undefined for something that is no port.
/** @param {string} text @returns {AskedPort | null | undefined} */
export function parsedPort(text) {
  const written = text.trim().toLowerCase();
  if (written === '') return null;
  const match = /^(?:(tcp|udp|sctp)[/ :]?)?(\d{1,5})(?:[/ :](tcp|udp|sctp))?$/.exec(written);
  if (!match || (match[1] && match[3])) return undefined;
  const number = Number(match[2]);
  if (number < 1 || number > 65535) return undefined;
  return { protocol: /** @type {Protocol} */ (match[1] ?? match[3] ?? 'tcp'), number };
}

/** @param {PagePorts} ports @param {AskedPort} asked */
export function contains(ports, asked) {
  return ports[asked.protocol].some(([first, last]) => first <= asked.number && asked.number <= last);
}

// The same for whatever has no port, such as ICMP.
/** @param {PagePorts} ports @param {Port} port */
export function has(ports, port) {
  return port === 'other' ? ports.other : contains(ports, port);
}

// One port of each part of the ports that no set cuts through.
/** @param {PagePorts[]} sets @returns {Port[]} */
export function tellingPorts(sets) {
  /** @type {Port[]} */
  const found = ['other'];
  for (const protocol of PROTOCOLS) {
    const numbers = new Set([1]);
    for (const [first, last] of sets.flatMap((set) => set[protocol])) {
      numbers.add(Math.max(first, 1));
      if (last < 65535) numbers.add(last + 1);
    }
    found.push(...[...numbers].map((number) => ({ protocol, number })));
  }
  return found;
}

/** @param {PagePorts} ports */
export function isEmpty(ports) {
  return !ports.other && PROTOCOLS.every((protocol) => ports[protocol].length === 0);
}

// Whether some port, or the one that is asked for, is in each of the lists, in one of its sets, and
// in none of those that are left out.
/** @param {PagePorts[][]} lists @param {AskedPort | null} asked @param {PagePorts[]} [without] */
export function inAll(lists, asked, without = []) {
  /** @param {AskedPort} port */
  const passes = (port) => lists.every((sets) => sets.some((set) => contains(set, port)))
    && !without.some((set) => contains(set, port));
  if (asked) return passes(asked);
  if (lists.every((sets) => sets.some((set) => set.other)) && !without.some((set) => set.other)) return true;
  // If there is one, then the first number of some range is one, or the next after one left out.
  const firsts = lists.flat().some((set) => PROTOCOLS.some((protocol) => set[protocol].some(([number]) => passes({ protocol, number }))));
  return firsts || without.some((set) => PROTOCOLS.some((protocol) => set[protocol].some(([, last]) => passes({ protocol, number: last + 1 }))));
}

// A few characters for a cell, where TCP goes without saying; null where they are too many.
/** @param {PagePorts} ports @param {number} longest */
export function brief(ports, longest) {
  if (ports.all || ports.other) return ports.text.length <= longest ? ports.text : null;
  const written = PROTOCOLS.flatMap((protocol) => ports[protocol].map((range) => rangeWords(range, protocol))).join(', ');
  return written.length <= longest ? written : null;
}

/** @param {[number, number]} range @param {Protocol} protocol */
function rangeWords([first, last], protocol) {
  const numbers = first === last ? `${first}` : first === 1 && last === 65535 ? 'all' : `${first}–${last}`;
  return protocol === 'tcp' ? numbers : `${numbers}/${protocol}`;
}

/** @param {AskedPort} asked */
export function portWords(asked) {
  return `${asked.protocol.toUpperCase()} ${asked.number}`;
}
