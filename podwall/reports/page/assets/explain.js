// Why a connection is open or closed, put together from what the analysis embedded: which policies
// isolate each side, whom each of their rules matches, and which single conditions fail.

import { includes } from './model.js';
import { contains, isEmpty } from './ports.js';

export const MATCH = { NO: 0, MAYBE: 1, YES: 2 };

const UNSEEN = Array(8).fill({ of: 'selector' });

export function explained(model, side, source, destination, asked) {
  return [
    stepOf(model, side, 'egress', source, destination, destination, asked),
    stepOf(model, side, 'ingress', destination, source, destination, asked),
  ];
}

// One side: `subject` is the pod whose policies are asked about the `other` end.
function stepOf(model, side, direction, subject, other, destination, asked) {
  const outside = Boolean(model.endpoints[subject].external);
  const indices = outside ? [] : side.lists[side[direction][subject]];
  const policies = indices.map((index) => {
    const policy = side.policies[index];
    return { ...policy, rules: (policy[direction] ?? []).map((rule) => consulted(model, side, rule, other, destination, asked)) };
  });
  const rules = policies.flatMap((policy) => policy.rules.map((rule) => ({ ...rule, policy: policy.name })));
  const best = Math.max(MATCH.NO, ...rules.map((rule) => rule.match));
  const exempt = policies.length === 0 ? [] : side.exempt[direction].filter(
    (each) => includes(side.sets[each.on], each.end === 'other' ? other : destination));
  return { direction, subject, other, outside, policies, exempt, best, nearest: best === MATCH.YES ? null : nearest(rules) };
}

function consulted(model, side, rule, other, destination, asked) {
  const ports = portsFor(side, rule, destination);
  const peers = (rule.peers ?? []).map((peer) => compared(model, side, peer, other));
  const peer = rule.peers === null ? MATCH.YES : Math.max(MATCH.NO, ...peers.map((each) => each.match));
  const port = portMatch(model, ports, asked);
  const misses = peer === MATCH.NO ? fewest(peers) : [];
  return { ...rule, match: Math.min(peer, port), peer, port, allows: ports.must, perhaps: ports.may, misses };
}

function compared(model, side, peer, other) {
  const has = (set) => includes(side.sets[set], other);
  const match = has(peer.must) ? MATCH.YES : has(peer.may) ? MATCH.MAYBE : MATCH.NO;
  if (match !== MATCH.NO) return { match, misses: [] };
  const failing = peer.tests.filter((test) => !has(test.set));
  // Ranges outside and pods on the host network fail without any condition: no selector sees them.
  const unseen = model.endpoints[other].external || model.endpoints[other].host;
  const byAddress = peer.tests.some((test) => test.of === 'address');
  return { match, misses: unseen && !byAddress ? UNSEEN : failing };
}

function fewest(peers) {
  const lists = peers.map((peer) => peer.misses).filter((misses) => misses.length);
  return lists.sort((one, two) => one.length - two.length)[0] ?? [];
}

// A port name can stand for another number on each destination.
function portsFor(side, rule, destination) {
  const found = rule.ports.find((entry) => entry.on === null || includes(side.sets[entry.on], destination));
  return found ?? { must: 0, may: 0 };
}

function portMatch(model, ports, asked) {
  const holds = (index) => (asked ? contains(model.ports[index], asked) : !isEmpty(model.ports[index]));
  if (holds(ports.must)) return MATCH.YES;
  return holds(ports.may) ? MATCH.MAYBE : MATCH.NO;
}

// The rule that fails by least: by its port only, or by the fewest conditions on the other end.
function nearest(rules) {
  const distance = (rule) => (rule.peer === MATCH.NO ? 1 + rule.misses.length : 0.5);
  const missing = rules.filter((rule) => rule.match === MATCH.NO && (rule.peer !== MATCH.NO || rule.misses.length));
  return missing.sort((one, two) => distance(one) - distance(two))[0] ?? null;
}
