/*
 * The view `incidents`: the history, open ones first, filtered and paged by the daemon.  The filter
 * is in the address, so that it can be kept and sent.
 */
import { get } from '../api';
import { h, replace, text, type Child } from '../dom';
import { clock, exact, span } from '../format';
import { live } from '../live';
import { lasting } from '../parts/age';
import { badge } from '../parts/badge';
import { readQuery, writeQuery } from '../parts/query';
import { toCheck, toIncident } from '../route';
import type { Incident } from '../types';
import { t, type Key } from '../words';

const PAGE = 50;
const SOON_MS = 500;
const TYPING_MS = 350;
const IMPACT_SHOWN = 3;

const states: [string, Key][] = [
	['', 'incidents.any'], ['open', 'incidents.unresolved'],
	['acknowledged', 'status.acknowledged'], ['resolved', 'status.resolved'],
];
const severities: [string, Key][] = [
	['', 'incidents.any'], ['critical', 'severity.critical'],
	['warning', 'severity.warning'], ['info', 'severity.info'],
];
const ages: [string, Key][] = [
	['', 'incidents.any'], ['1d', 'incidents.since.1d'],
	['7d', 'incidents.since.7d'], ['30d', 'incidents.since.30d'],
];

function rowOf(incident: Incident): HTMLElement {
	const impact = [...new Set(incident.impact.map(one => one.check))];
	const more = impact.length - IMPACT_SHOWN;
	return h('tr', { class: incident.status === 'resolved' ? 'is-over' : null },
		h('td', { class: 'cell-state' },
			badge('severity', incident.severity), ' ', badge('status', incident.status)),
		h('th', { scope: 'row', class: 'cell-main' },
			h('a', { href: toIncident(incident.id) }, incident.title),
			impact.length > 0 && h('p', { class: 'dim' },
				`${t('incident.dragged')}${t('list.colon')}${impact.slice(0, IMPACT_SHOWN).join(t('list.comma'))}`,
				more > 0 && ` ${t('incidents.more', { n: more })}`)),
		h('td', { 'data-label': t('incidents.check'), class: 'cell-check' }, live.checks.has(incident.check)
			? h('a', { href: toCheck(incident.check) }, incident.check) : incident.check),
		h('td', { 'data-label': t('incidents.cause'), class: 'mono' }, incident.cause.code),
		h('td', { 'data-label': t('incidents.began'), class: 'num-left' },
			h('time', { datetime: incident.started_at, title: exact(incident.started_at) },
				clock(incident.started_at))),
		h('td', { 'data-label': t('incidents.lasted'), class: 'num-left' }, incident.resolved_at === null
			? lasting(incident.started_at) : span(incident.duration)));
}

function tableOf(incidents: Incident[]): HTMLElement {
	const heads: Key[] = ['incidents.state', 'incidents.what', 'incidents.check', 'incidents.cause',
		'incidents.began', 'incidents.lasted'];
	return h('table', { class: 'table stacks incidents' },
		h('caption', { class: 'unseen' }, t('incidents.title')),
		h('thead', null, h('tr', null, heads.map(key => h('th', { scope: 'col' }, t(key))))),
		h('tbody', null, incidents.map(rowOf)));
}

interface Filter {
	el: HTMLElement;
	query: URLSearchParams;
	clear(): void;
}

function choice(query: URLSearchParams, name: string, label: string, options: [string, Key][], on: () => void): HTMLElement {
	const select = h('select', { id: `filter-${name}`, onchange: () => {
		set(query, name, select.value);
		on();
	} }, options.map(([value, key]) =>
		h('option', { value, selected: value === (query.get(name) ?? '') }, t(key))));
	return h('div', { class: 'field' }, h('label', { for: `filter-${name}` }, label), select);
}

function set(query: URLSearchParams, name: string, value: string): void {
	if (value === '')
		query.delete(name);
	else
		query.set(name, value);
}

function filterOf(on: () => void): Filter {
	const query = readQuery();
	const el = h('form', { class: 'filters', role: 'search', 'aria-label': t('incidents.filter'),
		onsubmit: (event: Event) => event.preventDefault() });
	let typing: ReturnType<typeof setTimeout> | undefined;
	const changed = (): void => {
		query.delete('page');
		on();
	};
	const draw = (): void => {
		const check = h('input', {
			id: 'filter-check', type: 'search', value: query.get('check') ?? '', autocomplete: 'off',
			placeholder: t('incidents.check-hint'), list: 'filter-names', oninput: () => {
				clearTimeout(typing);
				typing = setTimeout(() => {
					set(query, 'check', check.value.trim());
					changed();
				}, TYPING_MS);
			},
		});
		replace(el,
			choice(query, 'state', t('incidents.state'), states, changed),
			choice(query, 'severity', t('incidents.severity'), severities, changed),
			choice(query, 'since', t('incidents.since'), ages, changed),
			h('div', { class: 'field' }, h('label', { for: 'filter-check' }, t('incidents.check')), check,
				h('datalist', { id: 'filter-names' },
					[...live.checks.keys()].slice(0, 500).map(name => h('option', { value: name })))));
	};
	draw();
	return {
		el, query,
		clear() {
			for (const key of [...query.keys()])
				query.delete(key);
			draw();
			on();
		},
	};
}

/* What the daemon is asked for. */
function pathOf(query: URLSearchParams, page: number): string {
	const ask = new URLSearchParams({ limit: String(PAGE), offset: String(page * PAGE) });
	for (const name of ['state', 'severity', 'since', 'check'])
		if (query.get(name))
			ask.set(name, query.get(name)!);
	return `incidents?${ask}`;
}

function pager(page: number, total: number, go: (to: number) => void): Child {
	const from = page * PAGE;
	return total > PAGE && h('nav', { class: 'pager', 'aria-label': t('incidents.title') },
		h('button', { type: 'button', disabled: page === 0, onclick: () => go(page - 1) }, t('incidents.newer')),
		h('span', { class: 'num' }, t('incidents.page',
			{ from: from + 1, to: Math.min(total, from + PAGE), n: total })),
		h('button', { type: 'button', disabled: from + PAGE >= total, onclick: () => go(page + 1) }, t('incidents.older')));
}

export function view(root: HTMLElement, _arg: string): () => void {
	const count = h('p', { class: 'dim', role: 'status' });
	const list = h('div', { class: 'list' });
	const filter = filterOf(() => void read());
	let timer: ReturnType<typeof setTimeout> | undefined;
	let isGone = false, asked = 0;

	const page = (): number => Math.max(0, Number.parseInt(filter.query.get('page') ?? '1', 10) - 1) || 0;
	const go = (to: number): void => {
		set(filter.query, 'page', to === 0 ? '' : String(to + 1));
		void read().then(() => root.querySelector<HTMLElement>('h1')?.focus());
	};
	const show = (incidents: Incident[], total: number): void => {
		const isFiltered = [...filter.query.keys()].some(key => key !== 'page');
		text(count, t('incidents.count', { n: total }));
		if (incidents.length === 0)
			replace(list, h('div', { class: 'empty card' },
				h('p', null, t(isFiltered ? 'incidents.none' : 'incidents.none-at-all')),
				isFiltered && h('button', { type: 'button', onclick: () => filter.clear() }, t('incidents.clear'))));
		else
			replace(list, h('div', { class: 'card flush' }, tableOf(incidents)), pager(page(), total, go));
	};
	const read = async (): Promise<void> => {
		const number = ++asked;
		clearTimeout(timer);
		writeQuery(filter.query);
		try {
			const doc = await get<{ total: number; incidents: Incident[] }>(pathOf(filter.query, page()));
			if (!isGone && number === asked)
				show(doc.incidents, doc.total);
		} catch (e) {
			if (!isGone && number === asked)
				text(count, t('notice.failed', { text: e instanceof Error ? e.message : String(e) }));
		}
	};

	replace(root,
		h('div', { class: 'page-head' }, h('h1', { tabindex: -1 }, t('incidents.title')), count),
		filter.el, list, h('p', { class: 'hint' }, t('incidents.kept')));
	void read();
	const off = live.on(change => {
		if (!change.all && change.incidents.size === 0)
			return;
		clearTimeout(timer);
		timer = setTimeout(() => void read(), SOON_MS);
	});
	return () => {
		isGone = true;
		clearTimeout(timer);
		off();
	};
}
