/* An open incident at a glance: what, why, since when, what it drags down, the first thing to do. */
import { h, replace } from '../dom';
import { clock, sentence } from '../format';
import { toCheck, toIncident } from '../route';
import type { Incident, Step } from '../types';
import type { Muted } from '../quiet';
import { t, word } from '../words';
import { lasting, since } from './age';
import { badge } from './badge';
import { command } from './copy';
import { openAck, openSilence, takeBackAck } from './forms';

const IMPACT_MOST = 8;

function why(one: Incident): HTMLElement {
	const cause = one.cause;
	const words = sentence(cause.explanation) || (one.title.includes(one.summary) ? '' : one.summary);

	return h('p', { class: 'card-why' },
		words === '' && cause.confidence === '' ? h('span', { class: 'dim' }, t('card.no-cause')) : words,
		cause.confidence !== '' && [' ', h('span', { class: `tag is-${cause.confidence}` }, word('confidence', cause.confidence))]);
}

function impact(one: Incident): HTMLElement | null {
	const names = [...new Set(one.impact.map(hit => hit.check))];

	if (names.length === 0)
		return null;
	return h('p', { class: 'card-impact' },
		h('span', { class: 'card-label' }, t('card.impact')),
		names.slice(0, IMPACT_MOST).map(name => h('a', { class: 'chip', href: toCheck(name) }, name)),
		names.length > IMPACT_MOST && h('a', { href: toIncident(one.id) }, `+${names.length - IMPACT_MOST}`));
}

function step(first: Step): (HTMLElement | null)[] {
	return [
		h('p', null, first.text, first.destructive === true &&
			[' ', h('strong', { class: 'tag is-destructive' }, t('card.destructive'))]),
		first.command === undefined ? null : command(first.command),
	];
}

function remedy(one: Incident): HTMLElement | null {
	const first = one.remedy[0];

	if (first === undefined)
		return null;
	return h('div', { class: 'card-remedy' },
		h('p', { class: 'card-label' }, t('card.first')),
		step(first),
		one.remedy.length > 1 && h('a', { class: 'card-more', href: toIncident(one.id) },
			t('card.more-steps', { n: one.remedy.length - 1 })));
}

function acked(one: Incident): HTMLElement | null {
	if (one.status !== 'acknowledged')
		return null;
	const by = one.acknowledged_by ?? '';

	return h('span', { class: 'card-acked' },
		badge('status', 'acknowledged'),
		by !== '' && h('span', { class: 'dim' }, by),
		one.acknowledged_note !== undefined && h('span', { class: 'dim' }, `“${one.acknowledged_note}”`));
}

function actions(one: Incident): HTMLElement {
	const isAcked = one.status === 'acknowledged';

	return h('div', { class: 'actions' },
		h('button', {
			type: 'button', class: isAcked ? '' : 'primary', 'data-do': 'ack',
			onclick: () => (isAcked ? takeBackAck(one) : openAck(one)),
		}, t(isAcked ? 'do.unack' : 'do.ack')),
		h('button', {
			type: 'button', 'data-do': 'silence', onclick: () => openSilence({ check: one.check }, one.check),
		}, t('do.silence')),
		h('a', { class: 'button', href: toIncident(one.id), 'data-do': 'open', 'aria-label': `${t('do.open')}: ${one.title}` }, t('do.open')));
}

function fill(el: HTMLElement, one: Incident, muted: Muted | null): void {
	el.className = `card incident-card is-${one.severity} is-${one.status}`;
	replace(el,
		h('div', { class: 'card-head' },
			badge('severity', one.severity), lasting(one.started_at), since(one.started_at),
			one.flapping === true && h('span', { class: 'tag' }, t('card.flapping')),
			muted !== null && h('span', { class: 'tag' }, mutedWords(muted)),
			acked(one)),
		h('h3', { class: 'card-title' }, h('a', { href: toIncident(one.id) }, one.title)),
		why(one),
		impact(one),
		remedy(one),
		h('div', { class: 'card-foot' },
			h('p', { class: 'dim' }, t('card.check'), ' ', h('a', { href: toCheck(one.check) }, one.check),
				one.rule !== 'check-down' && one.rule !== '' && ` · ${t('card.rule', { name: one.rule })}`),
			actions(one)));
}

export function mutedWords(muted: Muted): string {
	const kind = t(`mark.${muted.kind}`);

	return muted.until === undefined ? kind : t('mark.until', { kind, time: clock(muted.until) });
}

/* Not what moves by itself. */
function signature(one: Incident, muted: Muted | null): string {
	return JSON.stringify({ ...one, muted, duration: 0, values: null, facts: null, timeline: null, deliveries: null });
}

/* Cards by incident, written anew only when what they say changed; the focus stays. */
export class Cards {
	private readonly all = new Map<string, { el: HTMLElement; says: string }>();

	card(one: Incident, muted: Muted | null): HTMLElement {
		const says = signature(one, muted);
		const known = this.all.get(one.id) ?? { el: h('article', null), says: '' };

		this.all.set(one.id, known);
		if (known.says !== says) {
			const focused = document.activeElement instanceof HTMLElement && known.el.contains(document.activeElement)
				? document.activeElement.dataset.do : undefined;
			known.says = says;
			fill(known.el, one, muted);
			if (focused !== undefined)
				known.el.querySelector<HTMLElement>(`[data-do="${focused}"]`)?.focus();
		}
		return known.el;
	}

	keep(ids: ReadonlyMap<string, Incident>): void {
		for (const id of this.all.keys())
			if (!ids.has(id))
				this.all.delete(id);
	}
}
