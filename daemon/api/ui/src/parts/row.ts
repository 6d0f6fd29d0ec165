/*
 * One check as a row that is updated in place.  What a row says is always true, for searching and
 * for screen readers; what moves by itself, and bars that must be asked for, only in sight.
 */
import { h, text } from '../dom';
import { quantity } from '../format';
import { live } from '../live';
import type { Muted } from '../quiet';
import { toCheck } from '../route';
import { stateName } from '../state';
import type { Check } from '../types';
import { t } from '../words';
import { untilText } from './age';
import { setBadge } from './badge';
import { makeSpark } from './spark';
import { forgetTotals, wantTotals } from './totals';

/* So few are asked for at once, seen or not. */
const EAGER = 80;

/* What is said of a check from elsewhere. */
export interface Marks {
	muted: Muted | null;
	follows: string | null; /* the check that drags it down */
}

export class Row {
	readonly el: HTMLLIElement;
	shownState = '';
	private readonly state = h('span', null);
	private readonly name: HTMLAnchorElement;
	private readonly type = h('span', { class: 'row-type' });
	private readonly words = h('span', { class: 'row-words' });
	private readonly marks = h('span', { class: 'row-marks' });
	private readonly value = h('span', { class: 'row-value num' });
	private readonly next = h('span', { class: 'row-next num' });
	private readonly spark = makeSpark();
	private shownMarks = '';

	constructor(private check: Check, private readonly marksOf: (check: Check) => Marks) {
		this.name = h('a', { class: 'row-name', href: toCheck(check.name) }, check.name);
		this.el = h('li', { class: 'row' },
			h('span', { class: 'row-state' }, this.state),
			h('span', { class: 'row-who' }, this.name, this.type),
			h('span', { class: 'row-what' }, this.words, this.marks),
			this.value, this.spark.el, this.next);
		this.write();
	}

	set(check: Check): void {
		this.check = check;
		this.write();
	}

	seen(isSeen: boolean): void {
		if (!isSeen) {
			forgetTotals(this.check.name);
			return;
		}
		this.tick();
		if (this.check.totals === undefined)
			wantTotals(this.check.name, () => this.spark.set(this.check.totals));
	}

	tick(): void {
		text(this.next, this.check.running ? t('mark.running')
			: this.check.next === null ? '' : untilText(this.check.next));
	}

	private write(): void {
		const check = this.check;

		this.shownState = stateName(check);
		setBadge(this.state, 'state', this.shownState);
		this.el.dataset.state = this.shownState;
		text(this.type, check.type);
		text(this.words, check.last?.text ?? '');
		text(this.value, check.value === null ? '' : quantity(check.value.value, check.value.unit));
		this.value.title = check.value?.metric ?? '';
		this.spark.set(check.totals);
		this.writeMarks(this.marksOf(check));
	}

	private writeMarks(marks: Marks): void {
		const said = [
			marks.follows === null ? '' : t('mark.suppressed', { name: marks.follows }),
			marks.muted === null ? '' : t(`mark.${marks.muted.kind}`),
			this.check.blind ? t('mark.blind') : '',
		].filter(one => one !== '');

		if (said.join('\n') === this.shownMarks)
			return;
		this.shownMarks = said.join('\n');
		this.marks.replaceChildren(...said.map(one => h('span', { class: 'tag' }, one)));
	}
}

/* Rows by name, and which of them are in sight. */
export class Rows {
	private readonly all = new Map<string, Row>();
	private readonly inSight = new Set<Row>();
	private readonly byElement = new WeakMap<Element, Row>();
	private readonly eye: IntersectionObserver;
	private readonly timer: ReturnType<typeof setInterval>;

	constructor(private readonly marksOf: (check: Check) => Marks) {
		this.eye = new IntersectionObserver(entries => {
			for (const entry of entries) {
				const row = this.byElement.get(entry.target);
				if (row === undefined)
					continue;
				if (entry.isIntersecting)
					this.inSight.add(row);
				else
					this.inSight.delete(row);
				if (entry.isIntersecting || this.all.size > EAGER)
					row.seen(entry.isIntersecting);
			}
		}, { rootMargin: '300px 0px' });
		this.timer = setInterval(() => {
			if (document.hidden || live.link === 'lost')
				return;
			for (const row of this.all.size <= EAGER ? this.all.values() : this.inSight)
				row.tick();
		}, 1000);
	}

	row(check: Check): Row {
		let row = this.all.get(check.name);

		if (row === undefined) {
			row = new Row(check, this.marksOf);
			this.all.set(check.name, row);
			this.byElement.set(row.el, row);
			this.eye.observe(row.el);
			if (this.all.size <= EAGER)
				row.seen(true);
		}
		return row;
	}

	/* Those whose check is gone are forgotten. */
	keep(names: ReadonlyMap<string, Check>): void {
		for (const [name, row] of this.all)
			if (!names.has(name)) {
				this.eye.unobserve(row.el);
				this.inSight.delete(row);
				this.all.delete(name);
			}
	}

	set(check: Check): void {
		const row = this.all.get(check.name);

		row?.set(check);
		if (row !== undefined && (this.all.size <= EAGER || this.inSight.has(row)))
			row.tick();
	}

	close(): void {
		this.eye.disconnect();
		clearInterval(this.timer);
	}
}
