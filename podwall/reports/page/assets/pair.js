// The explanation of one connection: the verdict, then both sides, rule by rule.

import { el, marked } from './dom.js';
import { explained, missParts } from './explain.js';
import { MATCH } from './match.js';
import { ABSENT, sideAt, verdictAt } from './model.js';
import { isSamePod } from './pair_statuses.js';
import { portWords } from './ports.js';
import { CODE, STATUSES } from './statuses.js';
import { pairWords, verdictWords } from './words.js';

/** @import { App, Child, ExplainedPolicy, ExplainedRule, ExplainedTier, ExplainedTierRule, Endpoint, Leaf, Model, PageCondition, Step } from './types.js' */

/** @type {('before' | 'after')[]} */
const TIMES = ['before', 'after'];

const SIGNS = { [MATCH.NO]: '✗', [MATCH.MAYBE]: '?', [MATCH.YES]: '✓' };

// Of very many pairs the causes are looked up once for all that have the same verdict.
const ALIKE = 'This cause was found for another pair with the same verdict; this pair may have one of its own: ask podwall explain.';

// Whom each rule means is written down for what is shown alone.
const UNSEEN = 'Which pods, and on which ports, stands below under “Pods that are not shown”. By which rule, podwall explain says.';

/** @param {Model} model @param {number} i @param {number} j */
function isUnseen({ endpoints }, i, j) {
  return endpoints[i].unseen || endpoints[j].unseen;
}

/** @param {App} app @param {Leaf} row @param {Leaf} column */
export function pairCard(app, row, column) {
  const [i, j] = [row.index, column.index];
  const { model, pairs } = app;
  const code = pairs.at(i, j);
  const same = isSamePod(model, row, column);
  return el('section', { class: 'why' },
    el('h2', {}, el('bdi', {}, row.key), el('span', { class: 'way' }, ' → '), el('bdi', {}, column.key)),
    el('p', { class: 'verdict' }, el('span', { class: `sign ${STATUSES[code].name}` }), el('strong', {}, sentence(app, row, column, same))),
    app.state.time === 'difference' ? history(model, i, j) : null,
    causes(app, i, j),
    same || code === CODE.absent ? null : isUnseen(app.model, i, j) ? el('p', { class: 'hint' }, UNSEEN) : steps(app, i, j),
    i === j ? null : el('p', { class: 'acts' }, el('button', { type: 'button', class: 'quiet', click: () => app.swap() }, 'The other way round')));
}

/** @param {App} app @param {Leaf} row @param {Leaf} column @param {boolean} same */
function sentence(app, row, column, same) {
  if (same) return 'A pod always reaches itself.';
  const verdict = pairWords(app, row, column);
  const port = app.state.asked ? ` on ${portWords(app.state.asked)}` : '';
  return `${verdict[0].toUpperCase()}${verdict.slice(1)}${port}`;
}

/** @param {Model} model @param {number} i @param {number} j */
function history(model, i, j) {
  return el('dl', { class: 'history' }, TIMES.flatMap((time) => [
    el('dt', {}, time), el('dd', {}, verdictWords(model, verdictAt(sideAt(model, time), i, j)))]));
}

/** @param {App} app @param {number} i @param {number} j */
function causes(app, i, j) {
  const index = verdictAt(app.side(), i, j);
  const found = index < 0 ? [] : app.model.verdicts[index].undetermined;
  if (!found.length) return null;
  return el('ul', { class: 'causes' },
    found.map(([ports, because]) => el('li', {}, `${app.model.ports[ports].text}: ${because}`)),
    app.model.verdicts[index].exact ? null : el('li', {}, ALIKE));
}

// In the difference, a pair that is gone is explained as it was.
/** @param {App} app @param {number} i @param {number} j */
function steps(app, i, j) {
  const gone = verdictAt(app.side(), i, j) === ABSENT;
  const side = gone ? sideAt(app.model, 'before') : app.side();
  const found = explained(app.model, side, i, j, app.state.asked).map((step) => stepNode(app, step));
  return gone ? [el('p', { class: 'hint' }, 'Before the change:'), found] : found;
}

/** @param {App} app @param {Step} step */
function stepNode(app, step) {
  const { id } = app.model.endpoints[step.subject];
  const title = step.direction === 'egress' ? ['Leaving ', el('bdi', {}, id)] : ['Arriving at ', el('bdi', {}, id)];
  return el('div', { class: `step ${outcome(step)}` }, el('h3', {}, title), el('p', { class: 'outcome' }, words(app, step)),
    exemptions(step), decided(step) ? null : nearest(app, step), tiers(step, true), policies(step), tiers(step, false));
}

/** @param {Step} step */
function outcome(step) {
  if (step.outside || (step.policies.length === 0 && step.tiers.length === 0)) return 'free';
  return ['no', 'maybe', 'yes'][step.match];
}

/** @param {App} app @param {Step} step */
function words(app, step) {
  if (step.outside) return 'Outside the cluster, where network policies do not apply.';
  if (app.model.endpoints[step.subject].host) return 'On the host network, where network policies do not apply.';
  const way = step.direction === 'egress' ? 'leave' : 'enter';
  const ruled = decided(step);
  if (ruled) return ruled;
  if (step.policies.length === 0 && step.match === MATCH.YES) return `No policy restricts what may ${way}: everything may.`;
  if (step.match === MATCH.NO) return `No rule lets it ${way}.`;
  if (step.match === MATCH.MAYBE) return `Whether ${step.best === MATCH.MAYBE ? 'a rule lets it' : 'it may'} ${way} is known only after deployment.`;
  return step.best === MATCH.NO ? `It may ${way}, whatever the policies say.` : `A rule lets it ${way}.`;
}

// What decides before the NetworkPolicies, or after them, in words; nothing if no rule of a tier does.
/** @param {Step} step */
function decided(step) {
  const action = { [MATCH.YES]: 'Accept', [MATCH.NO]: 'Deny', [MATCH.MAYBE]: '' }[step.match];
  const found = step.tiers.flatMap((each) => each.policies).flatMap((policy) => policy.rules
    .filter((rule) => rule.decides && rule.action === action).map((rule) => ({ rule, policy })));
  if (found.length === 0 || action === '') return null;
  const [{ rule, policy }] = found;
  const part = found.length > 1 ? 'a part of it' : 'it';
  return `Rule ${rule.position} of ${policy.name} ${action === 'Accept' ? 'lets' : 'keeps'} ${part} ${step.direction === 'egress' ? (action === 'Accept' ? 'leave' : 'from leaving') : (action === 'Accept' ? 'enter' : 'from entering')}.`;
}

// The tiers before NetworkPolicies, or those after them.
/** @param {Step} step @param {boolean} first */
function tiers(step, first) {
  const isolated = step.policies.some((policy) => policy.selects === MATCH.YES);
  const when = first ? 'before NetworkPolicies' : isolated ? 'not reached: a NetworkPolicy isolates the pod' : 'after NetworkPolicies';
  return step.tiers.filter((each) => each.first === first).map((each) => tier(each, when));
}

/** @param {ExplainedTier} found @param {string} when */
function tier(found, when) {
  return el('div', { class: 'tier' }, el('p', {}, el('b', {}, `${found.tier} tier`), `, ${when}`),
    found.policies.map((policy) => el('div', { class: 'policy' },
      el('p', {}, el('code', { class: 'name' }, policy.name), policy.selects === MATCH.MAYBE && ' perhaps', ` ${policy.order}`, policy.place && el('span', { class: 'place' }, policy.place)),
      policy.rules.map(tierRule))));
}

/** @param {ExplainedTierRule} rule */
function tierRule(rule) {
  const says = rule.decides ? 'decides' : rule.matches ? 'comes too late' : 'is not for this';
  const name = rule.decides ? 'yes' : rule.matches ? 'maybe' : 'no';
  return el('p', { class: `rule ${name}` },
    el('span', { class: 'mark', 'aria-label': says, role: 'img' }, rule.decides ? SIGNS[MATCH.YES] : SIGNS[MATCH.NO]),
    el('span', {}, el('span', { class: 'position' }, `rule ${rule.position} `), `${rule.words}: ${says}`));
}

/** @param {App} app @param {Step} step */
function nearest(app, step) {
  const rule = step.nearest;
  if (!rule) return null;
  const why = rule.peer === MATCH.NO ? missWords(app, step, rule) : portMiss(app, rule);
  return el('p', { class: 'miss' }, el('b', {}, 'Nearest miss: '), `rule ${rule.position} of `, el('code', {}, rule.policy), why, '.');
}

/** @param {App} app @param {Step} step @param {ExplainedRule} rule @returns {Child[]} */
function missWords(app, step, rule) {
  const [first, ...conditions] = missParts(app.model, rule.miss, step.other);
  const begins = first.startsWith('it ') ? first.slice(2) : `: ${first}`;
  const parts = conditions.map((miss) => [miss.words, actually(app, app.model.endpoints[step.other], miss)]);
  return [begins, ...parts.flatMap((part, k) => (k ? [' and ', ...part] : part))];
}

// What the label that a condition asks for really is.
/** @param {App} app @param {Endpoint} other @param {PageCondition} miss */
function actually(app, other, miss) {
  if (!miss.key) return null;
  const labels = miss.of === 'namespace' ? app.model.labels[other.namespace] ?? [] : other.labels;
  const has = labels.find(([key]) => key === miss.key);
  return has ? [' (it has ', el('code', {}, `${has[0]}=${has[1]}`), ')'] : ' (it has no such label)';
}

/** @param {App} app @param {ExplainedRule} rule @returns {Child[]} */
function portMiss(app, rule) {
  return [' matches, but on ', el('code', {}, app.model.ports[rule.allows].text), ' only'];
}

/** @param {Step} step */
function exemptions(step) {
  return step.exempt.map((each) => el('p', { class: 'exempt' }, el('b', {}, each.match === MATCH.YES ? 'Whatever the policies say: ' : 'Perhaps, whatever the policies say: '), marked(each.says),
    each.link !== '' && [' ', el('a', { href: each.link, target: '_blank', rel: 'noreferrer noopener' }, 'source')]));
}

// The policies that let it pass come first; the others are one line when there are several.
/** @param {Step} step */
function policies(step) {
  /** @param {ExplainedPolicy} policy */
  const passes = (policy) => policy.rules.some((rule) => rule.match !== MATCH.NO);
  const allowing = step.policies.filter(passes);
  const others = step.policies.filter((policy) => !passes(policy));
  /** @param {ExplainedPolicy} policy */
  const drawn = (policy) => policyNode(step, policy);
  if (others.length < 2) return [...allowing, ...others].map(drawn);
  return [allowing.map(drawn), el('details', { class: 'others', open: allowing.length === 0 && others.length < 4 },
    el('summary', {}, `${others.length} ${allowing.length ? 'more ' : ''}policies restrict it and do not allow this`), others.map(drawn))];
}

/** @param {Step} step @param {ExplainedPolicy} policy */
function policyNode(step, policy) {
  const matching = policy.rules.filter((rule) => rule.match !== MATCH.NO);
  const others = policy.rules.filter((rule) => rule.match === MATCH.NO);
  return el('div', { class: 'policy' },
    el('p', {}, el('code', { class: 'name' }, policy.name), policy.selects === MATCH.MAYBE && ' perhaps', policy.place && el('span', { class: 'place' }, policy.place)),
    policy.rules.length === 0 ? el('p', { class: 'rule none' }, `allows no ${step.direction} at all`) : null,
    matching.map((rule) => ruleNode(rule)),
    others.length ? rest(others, matching.length === 0 && others.length <= 3) : null);
}

/** @param {ExplainedRule[]} rules @param {boolean} open */
function rest(rules, open) {
  const count = rules.length === 1 ? '1 rule does not match' : `${rules.length} rules do not match`;
  return el('details', { open }, el('summary', {}, count), rules.map((rule) => ruleNode(rule)));
}

/** @param {ExplainedRule} rule */
function ruleNode(rule) {
  return el('p', { class: `rule ${['no', 'maybe', 'yes'][rule.match]}` },
    el('span', { class: 'mark', 'aria-label': ['does not match', 'may match', 'matches'][rule.match], role: 'img' }, SIGNS[rule.match]),
    el('span', {}, el('span', { class: 'position' }, `rule ${rule.position} `), rule.words));
}
