/* Facts as they were found: name, then the text in monospace; a long one is folded. */
import { h } from '../dom';
import { clock, exact, quantity, unitOf } from '../format';
import type { Fact } from '../types';
import { t } from '../words';

const LONG_LINES = 4;
const LONG_CHARS = 320;
const SAME_LOOK_MS = 60_000;

/* The first line that says something, for what is folded. */
function lead(text: string): string {
	const line = text.split('\n').find(one => one.trim() !== '') ?? '';
	return line.length > 120 ? `${line.slice(0, 119)}…` : line;
}

/* As the daemon writes that a fact is missing. */
const isMissing = (fact: Fact): boolean => /^(could not be had: |无法获取：)/.test(fact.text);

/* Ages in a text are those of when it was seen: said of the first, and where another time begins. */
function seenOf(fact: Fact, before: Fact | undefined): HTMLElement | false {
	if (!fact.at)
		return false;
	if (before?.at && Math.abs(Date.parse(fact.at) - Date.parse(before.at)) < SAME_LOOK_MS)
		return false;
	return h('time', { class: 'under dim', datetime: fact.at, title: exact(fact.at) }, clock(fact.at));
}

function factOf(fact: Fact, i: number, all: Fact[]): HTMLElement[] {
	const lines = fact.text.split('\n');
	const isLong = lines.length > LONG_LINES || fact.text.length > LONG_CHARS;
	const text = h('pre', { class: isMissing(fact) ? 'fact dim' : 'fact', tabindex: isLong ? 0 : null }, fact.text);
	return [
		h('dt', null, fact.name, seenOf(fact, all[i - 1])),
		h('dd', null, isLong
			? h('details', null,
				h('summary', null, h('span', { class: 'mono' }, lead(fact.text)), ' ',
					h('span', { class: 'dim' }, t('incident.lines', { n: lines.length }))),
				text)
			: text),
	];
}

/* What says something first, what could not be had last. */
export function evidence(facts: Fact[]): HTMLElement {
	const order = [...facts.filter(fact => !isMissing(fact)), ...facts.filter(isMissing)];
	return h('dl', { class: 'evidence' }, order.map(factOf));
}

export function values(all: Record<string, number>): HTMLElement {
	return h('dl', { class: 'pairs' }, Object.entries(all).map(([name, value]) => [
		h('dt', { class: 'mono' }, name),
		h('dd', null, quantity(value, unitOf(name))),
	]));
}
