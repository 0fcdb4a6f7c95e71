// Why a connection is open or closed, put together from what the analysis embedded: which policies
// isolate each end, whom each of their rules matches, and which single conditions fail. The answers
// are those of `podwall explain`, which a test compares for every pair.

import { MATCH } from './match.js';
import { includes } from './model.js';
import { contains, has, inAll, isEmpty, tellingPorts } from './ports.js';
import { passing, portsOf, tiersAround } from './tiers.js';

/**
 * @import {
 *   AskedPort, Direction, Endpoint, ExplainedExemption, ExplainedPolicy, ExplainedRule, ExplainedTier, Isolating, Match, Miss, Model,
 *   PageCondition, PageExemption, PageHiding, PagePeer, PagePorts, PageRule, PassBounds, Port, Side, Step
 * } from './types.js'
 */

// How far a peer is from matching that can't match an end of this kind at all.
const FAR = 8;
const FARTHEST = 9;

/**
 * @param {Model} model
 * @param {Side} side
 * @param {number} source
 * @param {number} destination
 * @param {AskedPort | null} asked
 * @returns {Step[]}
 */
export function explained(model, side, source, destination, asked) {
  return [
    stepOf(model, side, 'egress', source, destination, destination, asked),
    stepOf(model, side, 'ingress', destination, source, destination, asked),
  ];
}

// One side: `subject` is the pod whose policies are asked about the `other` end.
/**
 * @param {Model} model
 * @param {Side} side
 * @param {Direction} direction
 * @param {number} subject
 * @param {number} other
 * @param {number} destination
 * @param {AskedPort | null} asked
 * @returns {Step}
 */
function stepOf(model, side, direction, subject, other, destination, asked) {
  const outside = model.endpoints[subject].external;
  const policies = outside ? [] : isolating(side, direction, subject)
    .map((each) => ruled(model, side, each, direction, other, destination, asked));
  const tiers = outside ? [] : tiersAround(model, side, direction, subject, other, destination);
  const ruledOn = policies.length > 0 || tiers.length > 0;
  const exempt = !ruledOn ? [] : exemptions(model, side, direction, other, destination, asked);
  const hiding = !ruledOn || direction === 'egress' ? [] : hidingServices(side, subject, other);
  const rules = policies.flatMap((policy) => policy.rules.map((rule) => ({ ...rule, policy: policy.name })));
  const best = strongest(rules);
  const match = tiers.length === 0
    ? outcome(model, policies, exempt, hiding, asked)
    : tieredOutcome(model, tiers, policies, exempt, hiding, asked);
  return {
    direction,
    subject,
    other,
    outside,
    tiers,
    policies,
    exempt: [...exempt, ...hidingNotes(model, policies, hiding, exempt, asked)],
    best,
    match,
    nearest: best === MATCH.YES ? null : nearest(rules),
  };
}

// The policies that isolate an endpoint, in their order, and whether they do so for certain.
/** @param {Side} side @param {Direction} direction @param {number} subject @returns {Isolating[]} */
export function isolating(side, direction, subject) {
  const { certain, perhaps } = side.isolations[side[direction][subject]];
  const found = [
    ...certain.map((index) => ({ index, selects: MATCH.YES })),
    ...perhaps.map((index) => ({ index, selects: MATCH.MAYBE })),
  ].sort((one, two) => one.index - two.index);
  return found.map(({ index, selects }) => ({ policy: side.policies[index], selects }));
}

/**
 * @param {Model} model
 * @param {Side} side
 * @param {Isolating} isolating
 * @param {Direction} direction
 * @param {number} other
 * @param {number} destination
 * @param {AskedPort | null} asked
 * @returns {ExplainedPolicy}
 */
function ruled(model, side, { policy, selects }, direction, other, destination, asked) {
  const rules = (policy[direction] ?? []).map((rule) => consulted(model, side, rule, other, destination, asked));
  const group = policy.groups[direction === 'ingress' ? 0 : 1];
  return { name: policy.name, place: policy.place, selects, group, rules, match: strongest(rules) };
}

/** @param {{ match: Match }[]} items @returns {Match} */
function strongest(items) {
  return items.reduce((best, item) => (item.match > best ? item.match : best), MATCH.NO);
}

/**
 * @param {Model} model
 * @param {Side} side
 * @param {Direction} direction
 * @param {number} other
 * @param {number} destination
 * @param {AskedPort | null} asked
 * @returns {ExplainedExemption[]}
 */
function exemptions(model, side, direction, other, destination, asked) {
  return side.exempt[direction]
    .filter((each) => includes(side.sets[each.on], each.end === 'other' ? other : destination))
    .map((/** @type {PageExemption} */ each) => ({ ...each, match: portMatch(model, each, asked) }))
    .filter((each) => each.match !== MATCH.NO);
}

// The services behind which the rules of a pod may see a node in place of a client.
/** @param {Side} side @param {number} subject @param {number} other @returns {PageHiding[]} */
function hidingServices(side, subject, other) {
  return side.hiding.filter((each) => includes(side.sets[each.on], subject) && includes(side.sets[each.clients], other));
}

/**
 * @param {Model} model
 * @param {ExplainedPolicy[]} policies
 * @param {PageHiding[]} hiding
 * @param {ExplainedExemption[]} exempt
 * @param {AskedPort | null} asked
 * @returns {ExplainedExemption[]}
 */
function hidingNotes(model, policies, hiding, exempt, asked) {
  const lists = certainlyAllowed(model, policies);
  return hiding
    .filter((each) => inAll([...lists, [model.ports[each.ports]]], asked) && !exempt.some((told) => told.says === each.says))
    .map(({ says, link }) => ({ says, link, match: MATCH.MAYBE }));
}

// Whether the flow passes by what one end says. With a policy that isolates for certain, one that
// only may do so can only add. Without, none may isolate, or any of them may be the only one.
/**
 * @param {Model} model
 * @param {ExplainedPolicy[]} policies
 * @param {ExplainedExemption[]} exempt
 * @param {PageHiding[]} hiding
 * @param {AskedPort | null} asked
 * @returns {Match}
 */
function outcome(model, policies, exempt, hiding, asked) {
  if (policies.length === 0) return MATCH.YES;
  const sure = policies.filter((policy) => policy.selects === MATCH.YES);
  const lost = hiding.map((each) => model.ports[each.ports]);
  const passes = inAll(certainlyAllowed(model, policies), asked, lost);
  const perhaps = sure.length === 0 || strongest(policies) !== MATCH.NO;
  const rules = passes ? MATCH.YES : perhaps ? MATCH.MAYBE : MATCH.NO;
  return strongest([{ match: rules }, ...exempt]);
}

// The same where tiers decide before the policies and after them: port by port, of those that the
// sets in use tell apart.
/**
 * @param {Model} model
 * @param {ExplainedTier[]} tiers
 * @param {ExplainedPolicy[]} policies
 * @param {ExplainedExemption[]} exempt
 * @param {PageHiding[]} hiding
 * @param {AskedPort | null} asked
 * @returns {Match}
 */
function tieredOutcome(model, tiers, policies, exempt, hiding, asked) {
  const isolated = strongest(policies.map((policy) => ({ match: policy.selects })));
  const lost = hiding.map((each) => model.ports[each.ports]);
  const rules = policies.flatMap((policy) => policy.rules).flatMap((rule) => [model.ports[rule.allows], model.ports[rule.maybeAllows]]);
  const ports = asked ? [asked] : tellingPorts([...portsOf(tiers), ...rules, ...lost]);
  const found = ports.map((port) => {
    const passes = passing(tiers, port, isolated, (last) => policiesOn(model, policies, port, last));
    const sure = passes.must && !lost.some((set) => has(set, port));
    return { match: sure ? MATCH.YES : passes.may ? MATCH.MAYBE : MATCH.NO };
  });
  return strongest([...found, ...exempt]);
}

// What NetworkPolicies let pass on a port, with what passes `last` where none of them isolates.
/** @param {Model} model @param {ExplainedPolicy[]} policies @param {Port} port @param {PassBounds} last @returns {PassBounds} */
function policiesOn(model, policies, port, last) {
  if (policies.length === 0) return last;
  const must = certainlyAllowed(model, policies).every((sets) => sets.some((set) => has(set, port)));
  if (policies.every((policy) => policy.selects !== MATCH.YES)) return { must: must && last.must, may: true };
  const rules = policies.flatMap((policy) => policy.rules);
  return { must, may: rules.some((rule) => rule.peer !== MATCH.NO && has(model.ports[rule.maybeAllows], port)) };
}

// What rules certainly allow, as lists of which a port has to be in each: one list of all policies
// that isolate for certain or, where none does, one for each group, which may be the only one.
/** @param {Model} model @param {ExplainedPolicy[]} policies @returns {PagePorts[][]} */
function certainlyAllowed(model, policies) {
  const sure = policies.filter((policy) => policy.selects === MATCH.YES);
  const groups = sure.length > 0 ? [sure] : [...Map.groupBy(policies, (policy) => policy.group).values()];
  /** @param {ExplainedPolicy} policy */
  const allowed = (policy) => policy.rules.filter((rule) => rule.peer === MATCH.YES).map((rule) => model.ports[rule.allows]);
  return groups.map((group) => group.flatMap(allowed));
}

/**
 * @param {Model} model
 * @param {Side} side
 * @param {PageRule} rule
 * @param {number} other
 * @param {number} destination
 * @param {AskedPort | null} asked
 * @returns {ExplainedRule}
 */
function consulted(model, side, rule, other, destination, asked) {
  const ports = portsFor(side, rule, destination);
  const peers = (rule.peers ?? []).map((peer) => compared(model, side, peer, other));
  const peer = rule.peers === null ? MATCH.YES : strongest(peers);
  const port = portMatch(model, ports, asked);
  const miss = peer === MATCH.NO ? closest(peers) ?? null : null;
  return { position: rule.position, words: rule.words, match: peer < port ? peer : port, peer, port, allows: ports.must, maybeAllows: ports.may, miss };
}

/** @param {Model} model @param {Side} side @param {PagePeer} peer @param {number} other @returns {Miss} */
function compared(model, side, peer, other) {
  /** @param {number} set */
  const isIn = (set) => includes(side.sets[set], other);
  const match = isIn(peer.must) ? MATCH.YES : isIn(peer.may) ? MATCH.MAYBE : MATCH.NO;
  const failing = match === MATCH.NO ? peer.tests.filter((test) => !isIn(test.set)) : [];
  return { match, failing, ...distanceOf(model.endpoints[other], peer, failing.length) };
}

// No selector means a range outside, or a pod on the host network; ip blocks are written for the outside.
/** @param {Endpoint} other @param {PagePeer} peer @param {number} failing @returns {Pick<Miss, 'kind' | 'distance'>} */
function distanceOf(other, peer, failing) {
  if (peer.tests.some((test) => test.of === 'address')) return { kind: 'address', distance: other.external ? 1 : FARTHEST };
  if (peer.tests.some((test) => test.of === 'entity')) return { kind: 'entity', distance: FAR };
  if (other.external) return { kind: 'outside', distance: FAR };
  if (other.host) return { kind: 'host', distance: FAR };
  return { kind: 'conditions', distance: failing };
}

/** @template {{ distance: number }} Item @param {Item[]} items @returns {Item | undefined} */
function closest(items) {
  return items.reduce((best, item) => (best === undefined || item.distance < best.distance ? item : best), /** @type {Item | undefined} */ (undefined));
}

// A port name can stand for another number on each destination.
/** @param {Side} side @param {PageRule} rule @param {number} destination */
function portsFor(side, rule, destination) {
  const found = rule.ports.find((entry) => entry.on === null || includes(side.sets[entry.on], destination));
  return found ?? { must: 0, may: 0 };
}

/** @param {Model} model @param {{ must: number, may: number }} ports @param {AskedPort | null} asked @returns {Match} */
function portMatch(model, ports, asked) {
  /** @param {number} index */
  const holds = (index) => (asked ? contains(model.ports[index], asked) : !isEmpty(model.ports[index]));
  if (holds(ports.must)) return MATCH.YES;
  return holds(ports.may) ? MATCH.MAYBE : MATCH.NO;
}

// The rule that fails by least: by its port only, or by the fewest conditions on the other end.
/** @template {ExplainedRule} Rule @param {Rule[]} rules @returns {Rule | null} */
function nearest(rules) {
  const missing = rules.filter((rule) => rule.match === MATCH.NO && (rule.peer !== MATCH.NO || rule.miss));
  const distances = missing.map((rule) => ({ rule, distance: rule.miss ? 1 + rule.miss.distance : 0.5 }));
  return closest(distances)?.rule ?? null;
}

// Why no peer of a rule is the other end, as parts of a sentence; each condition is a part.
/** @param {Model} model @param {Miss | null} miss @param {number} other @returns {[string, ...PageCondition[]]} */
export function missParts(model, miss, other) {
  if (!miss) return ['it names no peer'];
  if (miss.kind === 'address') return [`it speaks of ${miss.failing[0].words}${engineWords(model, other)}`];
  if (miss.kind === 'entity') return [`it speaks of ${miss.failing[0].words}`];
  if (miss.kind === 'outside') return ['it speaks of pods, and the other end is outside the cluster'];
  if (miss.kind === 'host') return ['no selector matches a pod on the host network: to policies it is a node'];
  return ['it would match if ', ...miss.failing];
}

// What the engine makes of ip blocks where the other end is a pod.
/** @param {Model} model @param {number} other */
function engineWords(model, other) {
  const { external, host } = model.endpoints[other];
  if (external) return '';
  return `, and ${host ? model.engine.nodes_by_block : model.engine.pods_by_block}`;
}
