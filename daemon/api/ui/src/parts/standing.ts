/* Where the rules of a check stand, how long it was up, what has been decided and why. */
import { h } from '../dom';
import { clock, localTimes, percent, span } from '../format';
import { toIncident } from '../route';
import type { Decision, Incident, RuleStanding, Uptime } from '../types';
import { t, word } from '../words';
import { since, until } from './age';
import { badge } from './badge';
import { icon } from './icon';

/* --- rules --- */

const ruleRanks = ['firing', 'pending', 'clearing', 'no_data', 'quiet'];
const ruleSigns: Record<string, string> = { quiet: 'up', pending: 'suspect', clearing: 'acknowledged', no_data: 'unknown' };

function levelLine(level: RuleStanding['levels'][number], isSeveral: boolean): HTMLElement {
	return h('div', { class: 'rule-level' },
		isSeveral && h('span', { class: 'dim' }, word('severity', level.severity), ' '),
		h('code', null, level.expr.trim()),
		level.for > 0 && h('span', { class: 'dim' }, ` ${t('rules.for', { span: span(level.for) })}`),
		level.for_samples !== undefined && h('span', { class: 'dim' }, ` ${t('rules.samples', { n: level.for_samples })}`));
}

function ruleItem(rule: RuleStanding): HTMLElement {
	const clear = rule.levels.find(level => level.clear !== undefined)?.clear;
	const sign = rule.state === 'firing' ? rule.severity : ruleSigns[rule.state] ?? 'unknown';

	return h('li', { class: `rule is-${rule.state}` },
		h('div', { class: 'rule-head' },
			h('span', { class: `badge is-${sign}` }, icon(sign), word('rule', rule.state)),
			h('strong', { class: 'rule-name' }, rule.name),
			rule.since !== undefined && rule.state !== 'quiet' && since(rule.since)),
		rule.summary !== undefined && rule.state !== 'quiet' && h('p', null, rule.summary),
		rule.levels.map(level => levelLine(level, rule.levels.length > 1)),
		clear !== undefined && h('div', { class: 'rule-level' },
			h('span', { class: 'dim' }, t('rules.clear'), ' '), h('code', null, clear.trim())));
}

/* Those that are quiet are folded away: they are many. */
export function ruleList(rules: RuleStanding[]): HTMLElement[] {
	const sorted = [...rules].sort((a, b) => ruleRanks.indexOf(a.state) - ruleRanks.indexOf(b.state));
	const loud = sorted.filter(one => one.state !== 'quiet' && one.state !== 'no_data');
	const rest = sorted.filter(one => !loud.includes(one));

	if (rules.length === 0)
		return [h('p', { class: 'dim' }, t('rules.none'))];
	const out: HTMLElement[] = [];
	if (loud.length > 0)
		out.push(h('ul', { class: 'rule-list' }, loud.map(ruleItem)));
	if (rest.length > 0)
		out.push(h('details', { class: 'fold', 'data-keep': 'rules' },
			h('summary', null, t(loud.length > 0 ? 'rules.quiet' : 'rules.all-quiet', { n: rest.length })),
			h('ul', { class: 'rule-list' }, rest.map(ruleItem))));
	return out;
}

/* --- uptime --- */

const spans: Record<string, number> = { '24h': 86400, '7d': 604800, '30d': 2592000, '90d': 7776000 };

export function uptimeList(uptime: Uptime): HTMLElement {
	/* Of a young check the longer ones would only say the same again. */
	const told = uptime.windows.filter((one, i, all) => i === 0 || one.known_seconds > all[i - 1]!.known_seconds);

	return h('dl', { class: 'uptime' }, told.map(one => {
		const whole = spans[one.span] ?? one.known_seconds;
		const isPart = one.known_seconds < whole * 0.98;
		return h('div', null,
			h('dt', null, one.span),
			h('dd', null, h('strong', { class: 'num' }, one.up_ratio === undefined ? t('uptime.unknown') : percent(one.up_ratio))),
			h('dd', { class: 'uptime-more' }, [
				one.down_seconds > 0 ? t('uptime.down', { span: span(one.down_seconds) }) : '',
				one.incidents > 0 ? t('uptime.incidents', { n: one.incidents }) : '',
				isPart && one.known_seconds > 0 ? t('uptime.known', { span: span(one.known_seconds) }) : '',
			].filter(words => words !== '').join(' · ')));
	}));
}

/* --- decisions --- */

export function decisionList(decisions: Decision[]): HTMLElement {
	let before = '';

	return h('ul', { class: 'decisions' }, decisions.map(one => {
		const isFirst = one.who !== before;
		before = one.who;
		return h('li', { class: one.what === 'unknown' ? 'dim' : '' },
			h('span', { class: 'decision-who' }, isFirst ? word('who', one.who) : ''),
			h('span', null, localTimes(one.text), one.until !== undefined && [' ', until(one.until)]));
	}));
}

/* --- incidents that were --- */

export function incidentList(incidents: Incident[]): HTMLElement {
	return h('ul', { class: 'past' }, incidents.map(one => h('li', null,
		badge(one.status === 'open' ? 'severity' : 'status', one.status === 'open' ? one.severity : one.status),
		h('a', { href: toIncident(one.id) }, one.title),
		h('span', { class: 'dim' }, `${clock(one.started_at)} · ${t('past.lasted', { span: span(one.duration) })}`))));
}
