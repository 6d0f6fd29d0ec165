/*
 * The view `incident`: one incident as a story.  What is wrong and since when, why, what to do, what
 * it drags down, the plots around it, who was told, how it went.  While it is open it is read anew
 * whenever the feed says that it changed; a section is drawn only when what it shows did.
 */
import { get, getText, part, Problem } from '../api';
import { h, replace, type Child } from '../dom';
import { clock, day, exact, localTimes, span } from '../format';
import { live } from '../live';
import { lasting } from '../parts/age';
import { drawAround } from '../parts/around';
import { badge } from '../parts/badge';
import { copyText } from '../parts/copy';
import { evidence, values } from '../parts/evidence';
import { openAck, openSilence, takeBackAck } from '../parts/forms';
import { icon } from '../parts/icon';
import { ledger } from '../parts/ledger';
import { done, failed } from '../parts/notice';
import { remedy } from '../parts/remedy';
import { plain, titled } from '../parts/sections';
import { toCheck, toIncident } from '../route';
import { ledgerOf, mutedBy } from '../told';
import type { Alert, Cause, Incident, Moment, Severity } from '../types';
import { t, word } from '../words';

const AGAIN_MS = 30000;  /* what delivery waits for changes without news */
const WAITING_AGAIN_MS = 8000; /* somebody is still to be told */
const ALERTS_SHOWN = 10;
const SOON_MS = 400;     /* news come in bursts */

/* What the daemon and the host are blamed for is no check. */
function checkLink(name: string): Child {
	return live.checks.size > 0 && !live.checks.has(name) ? name : h('a', { href: toCheck(name) }, name);
}

const levels: Severity[] = ['info', 'warning', 'critical'];

/* Its severity may have fallen since. */
function worstOf(incident: Incident): Severity {
	return (incident.alerts ?? []).reduce<Severity>((worst, alert) =>
		(levels.indexOf(alert.severity) > levels.indexOf(worst) ? alert.severity : worst), incident.severity);
}

/* ---- the head ---- */

function marks(incident: Incident): Child[] {
	const muted = mutedBy(incident);
	const worst = worstOf(incident);
	return [
		badge('severity', incident.severity),
		worst !== incident.severity && h('span', { class: `mark is-root is-${worst}` },
			t('incident.was', { severity: word('severity', worst) })),
		badge('status', incident.status),
		(incident.reopened ?? 0) > 0 && h('span', { class: 'mark' },
			t('incident.reopened', { n: incident.reopened ?? 0 })),
		incident.flapping === true && h('span', { class: 'mark', title: t('incident.flapping-why') },
			t('incident.flapping')),
		typeof incident.quiet_since === 'string' && h('span', { class: 'mark' },
			t('incident.quiet', { time: clock(incident.quiet_since) })),
		muted !== null && h('span', { class: 'mark', title: localTimes(muted.text) }, t('mark.silenced')),
	];
}

function lastingOf(incident: Incident): Child {
	if (incident.resolved_at !== null)
		return span(incident.duration);
	return lasting(incident.started_at);
}

function pairs(rows: [string, Child][]): HTMLElement {
	return h('dl', { class: 'facts-line' }, rows.map(([name, value]) =>
		h('div', null, h('dt', null, name), h('dd', null, value))));
}

function when(at: string): HTMLElement {
	return h('time', { datetime: at, title: exact(at) }, clock(at));
}

function headOf(incident: Incident): Child[] {
	const rows: [string, Child][] = [
		[t('incident.check'), checkLink(incident.check)],
		[t('incident.began'), when(incident.started_at)],
		[t('incident.lasted'), lastingOf(incident)],
	];
	if (incident.resolved_at !== null)
		rows.push([t('incident.ended'), when(incident.resolved_at)]);
	if (incident.target !== '')
		rows.push([t('incident.target'), h('span', { class: 'mono' }, incident.target)]);
	rows.push([t('incident.rule'), h('span', { class: 'mono' }, incident.rule)],
		[t('incident.host'), incident.host],
		[t('incident.id'), h('span', { class: 'mono' }, incident.id)]);
	return [
		h('p', { class: 'marks' }, marks(incident)),
		h('h1', { tabindex: -1 }, incident.title),
		pairs(rows),
	];
}

function ackOf(incident: Incident): Child {
	const by = incident.acknowledged_by ?? '';
	return [
		icon('acknowledged'),
		h('p', null,
			h('strong', null, by === '' ? t('ack.nameless') : t('incident.acked', { by })), ' ',
			h('span', { class: 'dim' },
				incident.acknowledged_at !== null && t('incident.acked-since', { time: clock(incident.acknowledged_at) }),
				typeof incident.acknowledged_until === 'string' && [t('list.comma'),
					t('incident.acked-until', { time: clock(incident.acknowledged_until) })]),
			typeof incident.acknowledged_note === 'string' && h('span', { class: 'note' }, incident.acknowledged_note)),
	];
}

/* ---- the post-mortem ---- */

async function download(incident: Incident): Promise<void> {
	try {
		const record = await getText(`incidents/${part(incident.id)}.md`);
		const address = URL.createObjectURL(new Blob([record], { type: 'text/markdown' }));
		const link = h('a', { href: address, download: `incident-${incident.id}.md` });
		link.click();
		setTimeout(() => URL.revokeObjectURL(address), 10000);
	} catch (e) {
		failed(e);
	}
}

async function copyRecord(incident: Incident): Promise<void> {
	try {
		if (!await copyText(await getText(`incidents/${part(incident.id)}.md`)))
			throw new Error(t('do.copy-failed'));
		done(t('do.copied'));
	} catch (e) {
		failed(e);
	}
}

function actions(incident: Incident): Child[] {
	const button = (what: string, label: string, fn: () => void, className?: string): HTMLElement =>
		h('button', { type: 'button', class: className, 'data-do': what, onclick: fn }, label);
	const isOver = incident.status === 'resolved';
	return [
		!isOver && incident.status === 'open' && button('ack', t('do.ack'), () => openAck(incident), 'primary'),
		!isOver && incident.status === 'acknowledged' && button('unack', t('do.unack'), () => takeBackAck(incident)),
		!isOver && button('silence', t('incident.silence', { name: incident.check }), () =>
			openSilence({ check: incident.check }, incident.check)),
		h('span', { class: 'actions-end', role: 'group', 'aria-label': t('incident.report') },
			button('download', t('incident.download'), () => void download(incident)),
			button('copy-record', t('incident.copy-md'), () => void copyRecord(incident))),
	];
}

/* ---- why ---- */

function points(title: string, sign: string, all: string[] | undefined): Child {
	return all !== undefined && all.length > 0 && h('div', { class: `points is-${sign}` },
		h('h3', null, title),
		h('ul', null, all.map(one => h('li', null, one))));
}

function causeOf(incident: Incident): Child[] {
	const cause: Cause = incident.cause;
	const isSaid = cause.title === incident.title || cause.title === '';
	return [
		!isSaid && cause.title !== incident.summary && h('p', { class: 'lead' }, cause.title),
		incident.summary !== '' && incident.summary !== cause.explanation &&
			h('p', { class: isSaid ? 'lead' : null }, incident.summary),
		cause.explanation !== '' && h('p', null, cause.explanation),
		cause.playbook === '' && cause.explanation === '' &&
			h('p', { class: 'dim' }, t('incident.why-rule', { rule: incident.rule })),
		points(t('incident.for'), 'for', cause.for),
		points(t('incident.against'), 'against', cause.against),
		h('p', { class: 'codes dim' },
			cause.confidence !== '' && h('span', { class: `tag is-${cause.confidence}` },
				word('confidence', cause.confidence)),
			h('code', null, cause.code),
			cause.finding !== undefined && cause.finding !== cause.code && h('code', null, cause.finding)),
	];
}

/* ---- impact, timeline, related ---- */

function alertRow(incident: Incident, alert: Alert): HTMLElement {
	const isRoot = alert.check === incident.check;
	return h('tr', { class: alert.firing ? null : 'is-over' },
		h('th', { scope: 'row' }, checkLink(alert.check), ' ',
			h('span', { class: `mark is-${isRoot ? 'root' : 'impact'} is-${incident.severity}` },
				t(isRoot ? 'incident.root' : 'incident.dragged'))),
		h('td', { 'data-label': t('incident.what-fails') }, alert.text,
			h('span', { class: 'under mono dim' }, alert.rule)),
		h('td', { 'data-label': t('incident.began'), class: 'num-left' }, when(alert.since),
			!alert.firing && h('span', { class: 'under dim' }, t('incident.over'))));
}

function alerts(incident: Incident): Child[] {
	const all = incident.alerts ?? [];
	const rows = all.map(alert => alertRow(incident, alert));
	const more = rows.slice(ALERTS_SHOWN);
	const button = h('button', { type: 'button', class: 'quiet', hidden: more.length === 0, onclick: () => {
		more.forEach(row => { row.hidden = false; });
		button.hidden = true;
		more[0]?.querySelector('a')?.focus();
	} }, t('incident.more-alerts', { n: more.length }));
	more.forEach(row => { row.hidden = true; });
	return [
		h('table', { class: 'table stacks' },
			h('thead', null, h('tr', null,
				h('th', { scope: 'col' }, t('incident.check')),
				h('th', { scope: 'col' }, t('incident.what-fails')),
				h('th', { scope: 'col' }, t('incident.began')))),
			h('tbody', null, rows)),
		button,
		all.every(alert => alert.check === incident.check) &&
			h('p', { class: 'dim' }, t('incident.no-impact')),
	];
}

/* The time to the second; the day where it is another than that of the moment before. */
function stamp(at: Date, before: Date): HTMLElement {
	return h('time', { datetime: at.toISOString(), title: exact(at) },
		at.toDateString() !== before.toDateString() && h('span', { class: 'under' }, day(at)),
		clock(at, at));
}

function timeline(all: Moment[]): HTMLElement {
	let before = new Date(live.now());
	return h('ol', { class: 'timeline' }, all.map(one => {
		const at = new Date(one.at);
		const time = stamp(at, before);
		before = at;
		return h('li', { class: `moment kind-${/^[a-z-]+$/.test(one.kind) ? one.kind : 'other'}` },
			time, h('p', null, h('strong', null, word('kind', one.kind)), ' ', localTimes(one.text)));
	}));
}

function related(incident: Incident): HTMLElement {
	return h('ul', { class: 'related' },
		typeof incident.merged_into === 'string' && h('li', null,
			h('a', { href: toIncident(incident.merged_into) }, t('incident.merged', { id: incident.merged_into }))),
		(incident.related ?? []).map(one => {
			const title = live.incidents.get(one.id)?.title;
			return h('li', null, h('a', { href: toIncident(one.id) }, title ?? one.text), ' ',
				h('span', { class: 'dim' }, title === undefined ? `(${one.id})` : one.text));
		}));
}

function labels(incident: Incident): HTMLElement {
	return h('p', { class: 'labels' }, Object.entries(incident.labels).map(([key, value]) =>
		h('span', { class: 'label mono' }, `${key}=${value}`)));
}

const filled = <T extends object>(all: T | undefined | null): T | null =>
	all !== undefined && all !== null && Object.keys(all).length > 0 ? all : null;

/* With the titles as they are now. */
function nearOf(incident: Incident): unknown {
	const all = (incident.related ?? []).map(one => [one, live.incidents.get(one.id)?.title]);
	return all.length > 0 || incident.merged_into ? [all, incident.merged_into] : null;
}

/* ---- the page ---- */

/* In one column by weight where it is narrow, else in two, so that tabbing follows the eye in both. */
function arrange(body: HTMLElement, parts: [HTMLElement, 0 | 1][]): () => void {
	const wide = window.matchMedia('(min-width: 1001px)');
	const put = (): void => {
		const columns = wide.matches ? [0, 1] : [null];
		replace(body, columns.map(column => h('div', { class: 'column' },
			parts.filter(([, where]) => column === null || where === column).map(([el]) => el))));
	};
	put();
	wide.addEventListener('change', put);
	return () => wide.removeEventListener('change', put);
}

interface Page {
	main: HTMLElement;
	show(incident: Incident): void;
	end(): void;
}

function pageOf(): Page {
	const head = plain('header', 'incident-head');
	const bar = plain('div', 'actions');
	const acked = plain('div', 'acked');
	const muted = plain('div', 'muted-note');
	const cause = titled('why', t('incident.why'), 'is-cause');
	const steps = titled('remedy', t('incident.remedy'), 'is-remedy');
	const impact = titled('impact', t('incident.impact'), 'is-impact');
	const plots = titled('plots', t('incident.plots'), 'is-plots');
	const facts = titled('evidence', t('incident.evidence'), 'is-evidence');
	const told = titled('told', t('incident.told'), 'is-told');
	const story = titled('timeline', t('incident.timeline'), 'is-timeline');
	const near = titled('related', t('incident.related'), 'is-related');
	const numbers = titled('values', t('incident.values'), 'is-values');
	const tags = titled('labels', t('incident.labels'), 'is-labels');
	let endPlots = (): void => undefined;

	const show = (incident: Incident): void => {
		const hold = mutedBy(incident);
		const rows = ledgerOf(incident);
		head.show([incident, live.checks.size > 0], () => headOf(incident));
		bar.show([incident.id, incident.status], () => actions(incident));
		acked.show(incident.status === 'acknowledged' ? [incident.acknowledged_by,
			incident.acknowledged_note, incident.acknowledged_until] : null, () => ackOf(incident));
		muted.show(hold, () => [h('p', null, t('incident.muted', { text: localTimes(hold?.text ?? '') })),
			h('a', { href: '#/silences' }, t('silences.title'))]);
		cause.show([incident.cause, incident.summary, incident.title], () => causeOf(incident));
		steps.show([incident.remedy, incident.runbook_url], () => [
			incident.remedy.length > 0 ? remedy(incident.remedy)
				: h('p', { class: 'dim' }, t('incident.no-remedy')),
			/^https?:\/\//.test(incident.runbook_url) && h('p', null,
				h('a', { href: incident.runbook_url, rel: 'noreferrer' }, t('incident.runbook'))),
		]);
		impact.show(incident.alerts?.length ? [incident.alerts, live.checks.size > 0] : null, () => alerts(incident));
		plots.show([incident.id, incident.check, incident.rule, incident.resolved_at, incident.reopened], () => {
			const box = h('div', { class: 'around' });
			endPlots();
			endPlots = drawAround(box, incident);
			return box;
		});
		facts.show(incident.facts, () => incident.facts.length > 0 ? evidence(incident.facts)
			: h('p', { class: 'dim' }, t('incident.no-evidence')));
		told.show(rows, () => rows.length > 0 ? ledger(rows)
			: h('p', { class: 'dim' }, t('incident.nobody-told')));
		story.show(filled(incident.timeline), () => timeline(incident.timeline ?? []));
		near.show(nearOf(incident), () => related(incident));
		numbers.show(filled(incident.values), () => values(incident.values));
		tags.show(filled(incident.labels), () => labels(incident));
	};
	const body = h('div', { class: 'columns' });
	const endArrange = arrange(body, [
		[cause.el, 0], [steps.el, 0], [impact.el, 1], [plots.el, 0], [told.el, 1], [story.el, 1],
		[facts.el, 0], [near.el, 1], [numbers.el, 1], [tags.el, 1],
	]);
	return {
		main: h('article', { class: 'incident' }, head.el, bar.el, acked.el, muted.el, body),
		show,
		end() {
			endPlots();
			endArrange();
		},
	};
}

function gone(root: HTMLElement, id: string, e: unknown): void {
	const isGone = e instanceof Problem && e.status === 404;
	replace(root,
		h('h1', { tabindex: -1 }, isGone ? t('incident.gone', { id }) : t('notice.failed', {
			text: e instanceof Error ? e.message : String(e) })),
		isGone && h('p', null, t('incident.gone-why')),
		h('p', null, h('a', { href: '#/incidents' }, t('incident.back'))));
}

export function view(root: HTMLElement, id: string): () => void {
	const page = pageOf();
	let whole = '', isOpen = true, isWaiting = false, isGone = false;
	let timer: ReturnType<typeof setTimeout> | undefined;

	const read = async (): Promise<void> => {
		clearTimeout(timer);
		try {
			const incident = await get<Incident>(`incidents/${part(id)}`);
			if (isGone)
				return;
			if (whole === '')
				replace(root, h('p', { class: 'trail' }, h('a', { href: '#/incidents' }, t('incident.back'))), page.main);
			whole = incident.id;
			isOpen = incident.status !== 'resolved';
			isWaiting = ledgerOf(incident).some(row => row.standing === 'waits');
			page.show(incident);
		} catch (e) {
			if (!isGone && whole === '')
				gone(root, id, e);
		}
		if (!isGone && isOpen)
			timer = setTimeout(() => void read(), isWaiting ? WAITING_AGAIN_MS : AGAIN_MS);
	};
	const soon = (): void => {
		clearTimeout(timer);
		timer = setTimeout(() => void read(), SOON_MS);
	};
	replace(root, h('h1', { tabindex: -1 }, t('page.reading')));
	void read();
	const off = live.on(change => {
		const isNews = change.incidents.has(whole) || change.all ||
			change.topics.has('silences') || change.topics.has('receivers');
		if (isNews && (isOpen || change.incidents.has(whole)))
			soon();
	});
	const onSilence = (): void => soon();
	document.addEventListener('silences', onSilence);
	return () => {
		isGone = true;
		clearTimeout(timer);
		off();
		document.removeEventListener('silences', onSilence);
		page.end();
	};
}
