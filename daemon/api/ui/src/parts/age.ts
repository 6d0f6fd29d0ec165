/*
 * Times that go on: <time> elements whose text one ticker keeps true.  What is out of sight or gone
 * costs nothing, since only elements in the document are looked at.
 */
import { h, text } from '../dom';
import { clock, exact, span } from '../format';
import { live } from '../live';
import { t } from '../words';

type Kind = 'ago' | 'for' | 'in' | 'since';

/* While nothing is heard no time goes by: whether it still lasts is not known. */
function now(): number {
	return live.link === 'lost' && live.heardAt > 0 ? live.heardAt + live.skewMs : live.now();
}

function say(kind: Kind, at: number): string {
	const age = (now() - at) / 1000;

	if (kind === 'since')
		return t('age.since', { time: clock(at) });
	if (kind === 'for')
		return t('age.for', { age: span(age) });
	if (kind === 'in')
		return age >= -0.5 ? t('age.now') : t('age.in', { age: span(Math.ceil(-age)) });
	return age < 1 ? t('age.now') : t('age.ago', { age: span(age) });
}

function make(kind: Kind, at: string | null | undefined): HTMLElement {
	if (at === null || at === undefined || at === '')
		return h('span', { class: 'time' });
	return h('time', { class: 'time', datetime: at, title: exact(at), 'data-age': kind },
		say(kind, Date.parse(at)));
}

/* "3 min ago" */
export const ago = (at: string | null | undefined): HTMLElement => make('ago', at);
/* "for 3 min" */
export const lasting = (at: string | null | undefined): HTMLElement => make('for', at);
/* "in 12 s" */
export const until = (at: string | null | undefined): HTMLElement => make('in', at);
/* "since 12:03:04" */
export const since = (at: string | null | undefined): HTMLElement => make('since', at);

export function untilText(at: string): string {
	return say('in', Date.parse(at));
}

/* Keeps all of them true, once a second. */
export function startTicking(): void {
	setInterval(() => {
		if (document.hidden)
			return;
		for (const el of document.querySelectorAll<HTMLTimeElement>('time[data-age]'))
			text(el, say(el.dataset.age as Kind, Date.parse(el.dateTime)));
	}, 1000);
}
