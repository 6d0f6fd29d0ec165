/* A sign with its word: states of checks, severities, how an incident or a rule stands. */
import { h, replace } from '../dom';
import { word } from '../words';
import { icon } from './icon';

export type BadgeKind = 'state' | 'severity' | 'status' | 'rule';

export function badge(kind: BadgeKind, name: string): HTMLElement {
	return setBadge(h('span', null), kind, name);
}

/* Makes `el` say `name`, if it does not yet. */
export function setBadge(el: HTMLElement, kind: BadgeKind, name: string): HTMLElement {
	const key = `${kind}.${name}`;

	if (el.dataset.says === key)
		return el;
	el.dataset.says = key;
	el.className = `badge is-${name}`;
	replace(el, icon(name), h('span', { class: 'badge-word' }, word(kind, name)));
	return el;
}
