/* A match in words: "check db*, severity critical". */
import { h, type Child } from '../dom';
import { rows } from '../match';
import type { Match } from '../types';
import { t, word } from '../words';

function keyWords(key: string, isLabel: boolean): string {
	return isLabel ? t('match.label', { name: key }) : word('match', key);
}

/* As chips; nothing at all is everything. */
export function matchChips(match: Match): Child {
	const labels = Object.keys(match.labels ?? {}).length;
	const all = rows(match);
	if (all.length === 0)
		return h('span', { class: 'dim' }, t('routes.everything'));
	return h('span', { class: 'match-chips' }, all.map(([key, value], n) => h('span', { class: 'match-chip' },
		h('span', { class: 'dim' }, keyWords(key, n >= all.length - labels)), ' ',
		h('span', { class: 'mono' }, value))));
}

export function matchText(match: Match): string {
	const labels = Object.keys(match.labels ?? {}).length;
	const all = rows(match);
	return all.length === 0 ? t('routes.everything') : all.map(([key, value], n) =>
		`${keyWords(key, n >= all.length - labels)} ${value}`).join(t('list.comma'));
}
