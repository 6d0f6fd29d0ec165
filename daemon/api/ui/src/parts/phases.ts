/* Where the time of a run goes: the phases as one stacked bar, with a table that says the same. */
import { h } from '../dom';
import { took } from '../format';
import { t, word } from '../words';

export const phaseNames = ['dns', 'connect', 'tls', 'send', 'first_byte', 'transfer'];

function bar(phases: Record<string, number>, label: string): HTMLElement {
	const whole = sum(phases) || 1;
	const parts = phaseNames.filter(name => (phases[name] ?? 0) > 0).map(name => {
		const part = h('span', { class: `phase-part phase-${name}` });
		part.style.flexGrow = String((phases[name] ?? 0) / whole * 1000);
		return part;
	});

	return h('div', { class: 'phase-line', 'aria-hidden': 'true' },
		h('span', { class: 'phase-label' }, label), h('div', { class: 'phase-bar' }, parts));
}

function sum(phases: Record<string, number>): number {
	return phaseNames.reduce((all, name) => all + (phases[name] ?? 0), 0);
}

/* `mean` has the averages over a longer time, where they are known. */
export function phaseTable(last: Record<string, number>, mean: Record<string, number> | null): HTMLElement | null {
	const names = phaseNames.filter(name => last[name] !== undefined || mean?.[name] !== undefined);
	const cell = (of: Record<string, number> | null, name: string) =>
		h('td', { class: 'num' }, of?.[name] === undefined ? '' : took(of[name]));

	if (names.length === 0)
		return null;
	return h('div', { class: 'phases' },
		bar(last, t('check.phase-last')),
		mean !== null && sum(mean) > 0 && bar(mean, t('check.phase-mean')),
		h('table', null,
			h('caption', { class: 'unseen' }, t('check.phases')),
			h('thead', null, h('tr', null,
				h('th', { scope: 'col' }, t('check.phase')),
				h('th', { scope: 'col', class: 'num' }, t('check.phase-last')),
				mean !== null && h('th', { scope: 'col', class: 'num' }, t('check.phase-mean')))),
			h('tbody', null, names.map(name => h('tr', null,
				h('th', { scope: 'row' }, h('span', { class: `swatch-box phase-${name}`, 'aria-hidden': 'true' }), word('phase', name)),
				cell(last, name), mean !== null && cell(mean, name))),
				h('tr', { class: 'sum' }, h('th', { scope: 'row' }, t('phase.total')),
					h('td', { class: 'num' }, took(sum(last))),
					mean !== null && h('td', { class: 'num' }, took(sum(mean)))))));
}
