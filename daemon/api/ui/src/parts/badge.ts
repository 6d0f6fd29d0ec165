/* A sign with its word: states of checks, severities, how an incident stands. */
import { h, replace } from '../dom';
import type { Check } from '../types';
import { word } from '../words';
import { icon } from './icon';

/* The word that `triage` has for it: one that has not run waits, one whose run failed to tell cannot. */
export function stateOf(check: Pick<Check, 'state' | 'last'>): string {
	return check.state === 'unknown' && check.last === null ? 'waiting' : check.state;
}

export function badge(kind: 'state' | 'severity' | 'status' | 'rule', name: string): HTMLElement {
	return setBadge(h('span', null), kind, name);
}

/* Makes `el` say `name`, if it does not yet. */
export function setBadge(el: HTMLElement, kind: string, name: string): HTMLElement {
	const key = `${kind}.${name}`;

	if (el.dataset.says === key)
		return el;
	el.dataset.says = key;
	el.className = `badge is-${name}`;
	replace(el, icon(name), h('span', { class: 'badge-word' }, word(kind, name)));
	return el;
}
