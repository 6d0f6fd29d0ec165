/* Who was told of an incident, and who not yet and why, as a table with a row for each receiver. */
import { h, type Child } from '../dom';
import { toReceiver } from '../route';
import { toldWords, waitWords, type LedgerRow } from '../told';
import type { Wait } from '../types';
import { t } from '../words';
import { ago, until } from './age';
import { icon } from './icon';
import { here, within } from './within';

const signs = { waits: 'suspect', told: 'up', later: 'starting', never: 'waiting' } as const;

function waitLine(wait: Wait): Child {
	return h('p', null, within(waitWords(wait, here), until(wait.until)),
		wait.error !== undefined && h('span', { class: 'error-words' }, wait.error));
}

function rowOf(row: LedgerRow): HTMLElement {
	const next = row.waits.map(waitLine);
	return h('tr', null,
		h('th', { scope: 'row' }, icon(signs[row.standing]),
			h('a', { href: toReceiver(row.receiver) }, row.receiver)),
		h('td', { 'data-label': t('incident.last-told') }, row.delivery === null
			? h('span', { class: 'dim' }, t('told.nothing'))
			: [toldWords(row.delivery), ' ', h('span', { class: 'dim' }, ago(row.delivery.told_at))]),
		h('td', { 'data-label': t('incident.next') }, next.length === 0
			? h('span', { class: 'dim' }, '–') : next));
}

export function ledger(rows: LedgerRow[]): HTMLElement {
	return h('table', { class: 'table stacks ledger' },
		h('thead', null, h('tr', null,
			h('th', { scope: 'col' }, t('incident.receiver')),
			h('th', { scope: 'col' }, t('incident.last-told')),
			h('th', { scope: 'col' }, t('incident.next')))),
		h('tbody', null, rows.map(rowOf)));
}
