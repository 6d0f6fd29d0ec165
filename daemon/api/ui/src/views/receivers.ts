/*
 * The view `receivers`: does telling work?  Each receiver with what waits for it and why, the routes
 * that lead to them, and the heartbeat that we send.
 */
import { get } from '../api';
import { h, replace, type Child } from '../dom';
import { span } from '../format';
import { live } from '../live';
import { ago, until } from '../parts/age';
import { icon } from '../parts/icon';
import { matchChips } from '../parts/match';
import { receiverCard, type ReceiverCard } from '../parts/receiver';
import { titled } from '../parts/sections';
import { here, within } from '../parts/within';
import type { Heartbeat, Receiver, Route, Status } from '../types';
import { t } from '../words';

const EVERY_MS = 5000;
const SOON_MS = 400;

/* ---- routes ---- */

function thenOf(route: Route): Child[] {
	const lines: Child[] = route.escalate.map(step => t('routes.escalate',
		{ age: span(step.after), to: step.to.join(', ') }));
	if (route.resting)
		lines.unshift([h('span', { class: 'mark' }, t('routes.resting')), ' ',
			route.begins_at !== undefined && within(t('routes.begins', { at: here }), until(route.begins_at))]);
	lines.push(route.repeat_interval > 0
		? t('routes.repeat', { age: span(route.repeat_interval) }) : t('routes.no-repeat'));
	if (!route.send_resolved)
		lines.push(t('routes.no-resolved'));
	if (route.continue)
		lines.push(t('routes.goes-on'));
	return lines.map(line => h('p', null, line));
}

function routesTable(routes: Route[]): Child[] {
	return [
		h('p', { class: 'hint' }, t('routes.order')),
		h('table', { class: 'table stacks' },
			h('thead', null, h('tr', null,
				h('th', { scope: 'col' }, '#'),
				h('th', { scope: 'col' }, t('routes.match')),
				h('th', { scope: 'col' }, t('routes.to')),
				h('th', { scope: 'col' }, t('routes.then')))),
			h('tbody', null, routes.map((route, n) => h('tr', null,
				h('th', { scope: 'row', class: 'num-left' }, String(n + 1)),
				h('td', { 'data-label': t('routes.match') }, matchChips(route.match)),
				h('td', { 'data-label': t('routes.to') }, route.to.join(', ')),
				h('td', { 'data-label': t('routes.then') }, thenOf(route)))))),
	];
}

/* ---- the heartbeat ---- */

function heartbeatOf(beat: Heartbeat | null): Child[] {
	if (beat === null)
		return [h('p', { class: 'hint' }, t('heartbeat.what')), h('p', null, t('heartbeat.none'))];
	return [
		h('p', { class: 'hint' }, t('heartbeat.what')),
		beat.silent_because !== null && h('p', { class: 'trouble' }, t('heartbeat.silent', { text: beat.silent_because })),
		h('ul', { class: 'beats' }, beat.places.map(place => h('li', null,
			icon(place.last_error !== '' ? 'suspect' : place.last_success_at === null ? 'waiting' : 'up'),
			h('span', { class: 'mono' }, place.target),
			h('span', null, place.last_success_at === null ? t('heartbeat.never')
				: within(t('heartbeat.heard', { age: here }), ago(place.last_success_at))),
			h('span', { class: 'dim' }, t('heartbeat.counts', { sent: place.sent, failed: place.failed })),
			place.last_error !== '' && h('span', { class: 'error-words' }, place.last_error)))),
	];
}

/* ---- the view ---- */

/* `chosen` is unfolded and scrolled to. */
export function view(root: HTMLElement, chosen: string): () => void {
	const list = h('ul', { class: 'receivers' });
	const trouble = h('p', { class: 'trouble', hidden: true });
	const cards = new Map<string, ReceiverCard>();
	const routes = titled('routes', t('routes.title'), 'card');
	const beat = titled('heartbeat', t('heartbeat.title'), 'card');
	let timer: ReturnType<typeof setTimeout> | undefined;
	let isGone = false, isChosenShown = false;

	const show = (receivers: Receiver[]): void => {
		const names = receivers.map(one => one.name).join('\n');
		if (names !== [...cards.keys()].join('\n')) {
			const before = new Map(cards);
			cards.clear();
			for (const one of receivers)
				cards.set(one.name, before.get(one.name) ?? receiverCard(one.name, () => void read()));
			replace(list, [...cards.values()].map(card => card.el));
		}
		for (const one of receivers)
			cards.get(one.name)?.show(one);
		if (!isChosenShown && cards.has(chosen)) {
			isChosenShown = true;
			cards.get(chosen)?.unfold();
			cards.get(chosen)?.el.scrollIntoView({ block: 'center' });
		}
	};
	const read = async (): Promise<void> => {
		clearTimeout(timer);
		try {
			const [doc, status] = await Promise.all([
				get<{ receivers: Receiver[]; routes: Route[] }>('receivers'), get<Status>('status')]);
			if (isGone)
				return;
			trouble.hidden = true;
			show(doc.receivers);
			routes.show(doc.routes, () => doc.routes.length === 0
				? h('p', { class: 'dim' }, t('routes.none')) : routesTable(doc.routes));
			beat.show(status.heartbeat ?? 'none', () => heartbeatOf(status.heartbeat ?? null));
		} catch (e) {
			trouble.hidden = false;
			trouble.textContent = t('notice.failed', { text: e instanceof Error ? e.message : String(e) });
		}
		if (!isGone)
			timer = setTimeout(() => void read(), EVERY_MS);
	};
	replace(root,
		h('div', { class: 'page-head' }, h('h1', { tabindex: -1 }, t('receivers.title'))),
		trouble, list, routes.el, beat.el);
	void read();
	const off = live.on(change => {
		if (!change.topics.has('receivers') && !change.topics.has('config'))
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
