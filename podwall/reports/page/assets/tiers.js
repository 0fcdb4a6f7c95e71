// What policies with tiers say of one end: every rule takes what it matches from what no rule before
// it took. A port is gone through as a whole, and what is possible is kept: a rule that only may
// match both takes it and leaves it.

import { includes } from './model.js';
import { MATCH } from './match.js';
import { has } from './ports.js';

/** @import { Direction, ExplainedTier, ExplainedTierPolicy, ExplainedTierRule, Match, Model, PagePorts, PageTierPolicy, PageTierRule, PassBounds, Port, PossibleOutcome, Side } from './types.js' */

/** @type {PassBounds} */
export const PASSES = { must: true, may: true };

// The tiers in which a policy is about a pod, in order, each rule with whom and what it matches.
/** @param {Model} model @param {Side} side @param {Direction} direction @param {number} subject @param {number} other @param {number} destination @returns {ExplainedTier[]} */
export function tiersAround(model, side, direction, subject, other, destination) {
  const about = side.tiers[direction].filter((each) => includes(side.sets[each.may], subject));
  const found = about.map((each) => policyAbout(model, side, each, subject, other, destination));
  return [...Map.groupBy(found, (each) => `${each.tier} ${each.rank}`).values()]
    .map((policies) => ({ tier: policies[0].tier, first: policies[0].first, policies }));
}

/** @param {Model} model @param {Side} side @param {PageTierPolicy} policy @param {number} subject @param {number} other @param {number} destination @returns {ExplainedTierPolicy} */
function policyAbout(model, side, policy, subject, other, destination) {
  return {
    name: policy.name,
    place: policy.place,
    tier: policy.tier,
    rank: policy.rank,
    first: policy.first,
    order: policy.order,
    stage: policy.stage,
    selects: includes(side.sets[policy.must], subject) ? MATCH.YES : MATCH.MAYBE,
    rules: policy.rules.map((rule) => ruleAbout(model, side, rule, other, destination)),
  };
}

/** @param {Model} model @param {Side} side @param {PageTierRule} rule @param {number} other @param {number} destination @returns {ExplainedTierRule} */
function ruleAbout(model, side, rule, other, destination) {
  /** @param {number} set */
  const isIn = (set) => includes(side.sets[set], other);
  const ports = rule.ports.find((entry) => entry.on === null || includes(side.sets[entry.on], destination));
  return {
    position: rule.position,
    words: rule.words,
    action: rule.action,
    peer: isIn(rule.must) ? MATCH.YES : isIn(rule.may) ? MATCH.MAYBE : MATCH.NO,
    must: model.ports[ports?.must ?? 0],
    may: model.ports[ports?.may ?? 0],
    matches: false,
    decides: false,
  };
}

// The sets of ports that the rules of tiers are written with.
/** @param {ExplainedTier[]} tiers @returns {PagePorts[]} */
export function portsOf(tiers) {
  return tiers.flatMap(({ policies }) => policies.flatMap(({ rules }) => rules.flatMap((rule) => [rule.must, rule.may])));
}

// What passes on a port, given what the NetworkPolicies say of it, which is asked for what they are
// left. Rules that match it, and those that may decide it, are marked.
/** @param {ExplainedTier[]} tiers @param {Port} port @param {Match} isolated @param {(last: PassBounds) => PassBounds} policies @returns {PassBounds} */
export function passing(tiers, port, isolated, policies) {
  const first = through(tiers.filter((each) => each.first), port, true);
  const reaches = isolated !== MATCH.YES && (first.passed || first.left);
  const last = before(through(tiers.filter((each) => !each.first), port, reaches), PASSES);
  return before(first, policies(last));
}

// Goes through tiers, one into the next.
/** @param {ExplainedTier[]} tiers @param {Port} port @param {boolean} reaches @returns {PossibleOutcome} */
function through(tiers, port, reaches) {
  let outcome = untouched();
  for (const { policies } of tiers) {
    const next = outcome.passed || outcome.left;
    const found = gone(policies, port, reaches && next);
    outcome = {
      accepted: outcome.accepted || (next && found.accepted),
      denied: outcome.denied || (next && found.denied),
      passed: next && found.passed,
      left: next && found.left,
    };
  }
  return outcome;
}

/** @param {PossibleOutcome} outcome @param {PassBounds} following @returns {PassBounds} */
function before(outcome, following) {
  const next = outcome.passed || outcome.left;
  return {
    must: !outcome.denied && (!next || following.must),
    may: outcome.accepted || (next && following.may),
  };
}

/** @returns {PossibleOutcome} */
function untouched() {
  return { accepted: false, denied: false, passed: false, left: true };
}

// Goes through a tier; policies of one stage in whatever order, so that all of them see what is left
// of the stages before.
/** @param {ExplainedTierPolicy[]} policies @param {Port} port @param {boolean} reaches @returns {PossibleOutcome} */
function gone(policies, port, reaches) {
  const outcome = untouched();
  for (const stage of Map.groupBy(policies, (policy) => policy.stage).values()) {
    const found = stage.map((policy) => alone(policy, port, reaches && outcome.left));
    outcome.accepted ||= outcome.left && found.some((each) => each.accepted);
    outcome.denied ||= outcome.left && found.some((each) => each.denied);
    outcome.passed ||= outcome.left && found.some((each) => each.passed);
    outcome.left &&= found.every((each) => each.left);
  }
  return outcome;
}

/** @param {ExplainedTierPolicy} policy @param {Port} port @param {boolean} reaches @returns {PossibleOutcome} */
function alone(policy, port, reaches) {
  const outcome = untouched();
  for (const rule of policy.rules) {
    if (rule.peer === MATCH.NO || !has(rule.may, port)) continue;
    rule.matches = true;
    rule.decides ||= reaches && outcome.left;
    const any = rule.action === '';
    outcome.accepted ||= outcome.left && (any || rule.action === 'Accept');
    outcome.denied ||= outcome.left && (any || rule.action === 'Deny');
    outcome.passed ||= outcome.left && (any || rule.action === 'Pass');
    if (rule.peer === MATCH.YES && has(rule.must, port)) outcome.left = false;
  }
  return policy.selects === MATCH.YES ? outcome : { ...outcome, left: true };
}
