/*
 * Parts of a page that are drawn anew only when what they show has changed, so that what is folded
 * out, selected or focused stays so while the rest of the page lives on.
 */
import { h, replace, type Child } from '../dom';

export interface Section {
	el: HTMLElement;
	/* `draw` is called when `of` differs from the last time; null hides the section. */
	show(of: unknown, draw: () => Child): void;
}

/* A box without a heading. */
export function plain(tag: 'div' | 'section' | 'header', className: string): Section {
	const el = h(tag, { class: className, hidden: true });
	return { el, show: shower(el, el) };
}

/* A box under a heading of the second level that names it. */
export function titled(id: string, title: string, className: string): Section {
	const body = h('div', { class: 'section-body' });
	const el = h('section', { class: `section ${className}`, 'aria-labelledby': id, hidden: true },
		h('h2', { id }, title), body);
	return { el, show: shower(el, body) };
}

function shower(el: HTMLElement, body: HTMLElement): Section['show'] {
	let shown: string | undefined;
	return (of, draw) => {
		const key = JSON.stringify(of ?? null);
		if (key === shown)
			return;
		shown = key;
		el.hidden = of === null || of === undefined;
		replace(body, el.hidden ? null : draw());
	};
}
