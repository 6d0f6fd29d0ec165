/*
 * The view `silences`: who is not told of what at present and until when, planned maintenance with
 * its next time, and a form for a new silence.
 */
import { get, part, send } from '../api';
import { h, replace, type Child } from '../dom';
import { clock, exact } from '../format';
import { live } from '../live';
import { until } from '../parts/age';
import { ask } from '../parts/dialog';
import { icon } from '../parts/icon';
import { whenLoggedIn } from '../parts/login';
import { matchChips, matchText } from '../parts/match';
import { done } from '../parts/notice';
import { titled } from '../parts/sections';
import { silenceForm } from '../parts/silence-form';
import { coded, here, within } from '../parts/within';
import type { Maintenance, Quiet, Silence } from '../types';
import { t } from '../words';

const EVERY_MS = 15000; /* ends that come by themselves */

function when(at: string): Child {
	return h('time', { class: 'dim', datetime: at, title: exact(at) }, `(${clock(at)})`);
}

function endSilence(silence: Silence, onEnded: () => void): void {
	const name = matchText(silence.match);
	whenLoggedIn(() => ask(t('silences.end-of', { name }), [h('p', null, t('silences.end-what'))],
		t('silences.end'), async () => {
			await send('DELETE', `silences/${part(silence.id)}`);
			document.dispatchEvent(new Event('silences'));
			done(t('silences.ended', { name }));
			onEnded();
		}));
}

function silenceRow(silence: Silence, onEnded: () => void): HTMLElement {
	const isActive = silence.state === 'active';
	return h('tr', { class: silence.state === 'expired' ? 'is-over' : null },
		h('th', { scope: 'row' }, matchChips(silence.match)),
		h('td', { 'data-label': t('silences.state') }, h('span', { class: 'with-icon' },
			icon(isActive ? 'acknowledged' : 'waiting'),
			h('span', null, isActive ? t('silences.active') : silence.state === 'pending'
				? within(t('silences.pending', { at: here }), until(silence.starts_at)) : t('silences.expired')))),
		h('td', { 'data-label': t('silences.ends') }, silence.state === 'expired'
			? when(silence.ends_at) : [until(silence.ends_at), ' ', when(silence.ends_at)]),
		h('td', { 'data-label': t('silences.who') },
			h('span', { class: silence.by === undefined ? 'dim' : null }, silence.by ?? t('silences.nobody')),
			silence.comment !== undefined && h('p', { class: 'dim' }, silence.comment)),
		h('td', { class: 'cell-do' }, silence.state !== 'expired' && h('button', {
			type: 'button', 'aria-label': `${t('silences.end')}: ${matchText(silence.match)}`,
			onclick: () => endSilence(silence, onEnded),
		}, t('silences.end'))));
}

/* What is over is kept for a while: folded, below the rest. */
function silencesOf(all: Silence[], onEnded: () => void): Child {
	const over = all.filter(one => one.state === 'expired');
	const rest = all.filter(one => one.state !== 'expired');
	return [
		rest.length === 0 ? h('p', { class: 'dim' }, t('silences.none')) : silencesTable(rest, onEnded),
		over.length > 0 && h('details', { class: 'fold' },
			h('summary', null, t('silences.over', { n: over.length })), silencesTable(over, onEnded)),
	];
}

function silencesTable(all: Silence[], onEnded: () => void): HTMLElement {
	return h('table', { class: 'table stacks' },
		h('thead', null, h('tr', null,
			h('th', { scope: 'col' }, t('silences.match')),
			h('th', { scope: 'col' }, t('silences.state')),
			h('th', { scope: 'col' }, t('silences.ends')),
			h('th', { scope: 'col' }, t('silences.who')),
			h('th', { scope: 'col' }, h('span', { class: 'unseen' }, t('silences.do'))))),
		h('tbody', null, all.map(one => silenceRow(one, onEnded))));
}

function workRow(work: Maintenance): HTMLElement {
	const next: Child = work.active && work.ends_at !== undefined
		? [icon('acknowledged'), h('span', null, within(t('works.active', { at: here }), until(work.ends_at)))]
		: work.starts_at !== undefined
			? [icon('waiting'), h('span', null, within(t('works.begins', { at: here }), until(work.starts_at)), ' ',
				h('span', { class: 'dim' }, `(${clock(work.starts_at)})`))]
			: [icon('resolved'), h('span', null, t('works.over'))];
	return h('tr', null,
		h('th', { scope: 'row' }, matchChips(work.match)),
		h('td', { 'data-label': t('works.when') }, work.schedule === undefined ? t('works.once')
			: [h('span', { class: 'mono' }, work.schedule), work.timezone !== undefined &&
				h('span', { class: 'dim' }, ` ${work.timezone}`)]),
		h('td', { 'data-label': t('works.next') }, h('span', { class: 'with-icon' }, next)),
		h('td', { 'data-label': t('works.why') }, work.reason ?? ''));
}

function worksTable(all: Maintenance[]): Child {
	if (all.length === 0)
		return h('p', { class: 'dim' }, t('works.none'));
	return h('table', { class: 'table stacks' },
		h('thead', null, h('tr', null,
			h('th', { scope: 'col' }, t('silences.match')),
			h('th', { scope: 'col' }, t('works.when')),
			h('th', { scope: 'col' }, t('works.next')),
			h('th', { scope: 'col' }, t('works.why')))),
		h('tbody', null, all.map(workRow)));
}

export function view(root: HTMLElement, _arg: string): () => void {
	const silences = titled('silences', t('silences.now'), 'card');
	const works = titled('works', t('works.title'), 'card');
	const form = silenceForm(() => void read());
	const trouble = h('p', { class: 'trouble', hidden: true });
	let timer: ReturnType<typeof setTimeout> | undefined;
	let isGone = false;

	const read = async (): Promise<void> => {
		clearTimeout(timer);
		try {
			const quiet = await get<Quiet>('silences');
			if (isGone)
				return;
			trouble.hidden = true;
			silences.show(quiet.silences, () => silencesOf(quiet.silences, () => void read()));
			works.show(quiet.maintenance, () => [worksTable(quiet.maintenance),
				h('p', { class: 'hint' }, coded(t('works.about')))]);
		} catch (e) {
			trouble.hidden = false;
			trouble.textContent = t('notice.failed', { text: e instanceof Error ? e.message : String(e) });
		}
		if (!isGone)
			timer = setTimeout(() => void read(), EVERY_MS);
	};

	replace(root,
		h('div', { class: 'page-head' }, h('h1', { tabindex: -1 }, t('silences.title'))),
		h('p', { class: 'hint' }, t('silences.about')), trouble,
		silences.el,
		h('section', { class: 'section card', 'aria-labelledby': 'silence-new' },
			h('h2', { id: 'silence-new' }, t('silences.new')), form.el),
		works.el);
	void read();
	const off = live.on(change => {
		form.refresh();
		if (change.all || change.topics.has('silences') || change.topics.has('config'))
			void read();
	});
	return () => {
		isGone = true;
		clearTimeout(timer);
		off();
	};
}
