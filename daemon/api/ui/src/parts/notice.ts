/*
 * What was done and what did not work, in a corner for a while; failures stay until they are
 * dismissed.  Both are read aloud.  `announce` is for the ear alone.
 */
import { Problem } from '../api';
import { h, replace } from '../dom';
import { t } from '../words';
import { icon } from './icon';
import { openLogin } from './login';

const GOOD_FOR_MS = 6000;
const SHOWN_MOST = 4;

const box = h('div', { class: 'notices', role: 'status', 'aria-live': 'polite' });
const ear = h('div', { class: 'unseen', role: 'log', 'aria-live': 'polite', 'aria-relevant': 'additions' });

export function places(): HTMLElement[] {
	return [box, ear];
}

function show(kind: 'up' | 'critical' | 'warning', words: string, href?: string): void {
	const one = h('div', { class: `notice is-${kind}` },
		icon(kind),
		href === undefined ? h('p', null, words) : h('p', null, h('a', { href }, words)),
		h('button', { class: 'plain', type: 'button', 'aria-label': t('notice.dismiss'), onclick: () => one.remove() }, '×'));

	while (box.childElementCount >= SHOWN_MOST)
		box.firstElementChild?.remove();
	box.append(one);
	if (kind === 'up')
		setTimeout(() => one.remove(), GOOD_FOR_MS);
}

export function done(words: string): void {
	show('up', words);
}

export function failed(e: unknown): void {
	const problem = e instanceof Problem ? e : null;

	if (problem?.needsLogin) {
		openLogin(true);
		return;
	}
	show('critical', problem?.status === 0 && problem.detail === '' ? t('link.never')
		: t('notice.failed', { text: e instanceof Error ? e.message : String(e) }));
}

export function news(words: string, severity: string, href: string): void {
	show(severity === 'critical' ? 'critical' : 'warning', words, href);
}

export function announce(words: string): void {
	if (ear.childElementCount > 20)
		replace(ear);
	ear.append(h('p', null, words));
}
