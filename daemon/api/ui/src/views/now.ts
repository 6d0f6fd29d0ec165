/* What is going on now: open incidents first, then every check. */
import { get } from '../api';
import { h, replace, text } from '../dom';
import { live, type Change } from '../live';
import { arrange, countStates, parseFilter, sorts, type Group, type Sort } from '../order';
import { overall } from '../overall';
import { ago } from '../parts/age';
import { badge } from '../parts/badge';
import { Cards } from '../parts/card';
import { command } from '../parts/copy';
import { icon } from '../parts/icon';
import { arrangeChildren } from '../parts/keyed';
import { Rows, type Marks } from '../parts/row';
import { mutedBy, type Muted } from '../quiet';
import { toIncident } from '../route';
import { recall, remember } from '../settings';
import { stateName } from '../state';
import type { Check, Incident, Quiet } from '../types';
import { t } from '../words';

const SORT_KEY = 'triaged.sort';
const FOLDED_KEY = 'triaged.folded';
const CARDS_AT_FIRST = 12;
const DETAILED = 6; /* cards beyond which the further ones are short */
const QUIET_EVERY_MS = 60000;
const LONG = 60; /* rows beyond which those out of sight are not laid out */

const severities = ['critical', 'warning', 'info'];

/* Nobody's first, the worst first, the newest first. */
export function byUrgency(a: Incident, b: Incident): number {
	return Number(a.status === 'acknowledged') - Number(b.status === 'acknowledged') ||
		severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
		Date.parse(b.started_at) - Date.parse(a.started_at);
}

/* --- incidents --- */

class Trouble {
	readonly el = h('section', { class: 'now-open', 'aria-labelledby': 'now-open' });
	private readonly cards = new Cards();
	private readonly list = h('div', { class: 'cards' });
	private readonly title = h('h2', { id: 'now-open' });
	private readonly more = h('button', { type: 'button', onclick: () => this.showAll() });
	private readonly calm = h('div', { class: 'calm' });
	private isAll = false;
	private hadAny: boolean | null = null;
	private quiet: Quiet | null = null;

	constructor() {
		replace(this.el, this.title, this.calm, this.list, this.more);
	}

	setQuiet(quiet: Quiet): void {
		this.quiet = quiet;
		this.refresh();
	}

	private mutedOf(one: Incident): Muted | null {
		const check = live.checks.get(one.check);

		return check === undefined ? null : mutedBy(this.quiet, check);
	}

	private showAll(): void {
		this.isAll = true;
		this.refresh();
	}

	refresh(): void {
		const all = [...live.incidents.values()].sort(byUrgency);
		const shown = this.isAll ? all : all.slice(0, CARDS_AT_FIRST);

		this.el.hidden = live.heardAt === 0;
		text(this.title, all.length === 0 ? t('now.open') : `${t('now.open')} (${all.length})`);
		this.title.classList.toggle('unseen', all.length === 0);
		this.cards.keep(live.incidents);
		arrangeChildren(this.list, shown.map(one => this.cards.card(one, this.mutedOf(one))));
		this.list.classList.toggle('is-many', all.length > DETAILED);
		this.more.hidden = shown.length === all.length;
		text(this.more, t('now.more', { n: all.length }));
		this.sayWhetherCalm(all.length > 0);
	}

	/* Fine is what has been found so, not what nothing is known of. */
	private sayWhetherCalm(hasAny: boolean): void {
		this.calm.hidden = hasAny || overall(live.checks.values(), [], live.heardAt > 0).sign !== 'up';
		if (this.hadAny === hasAny || live.heardAt === 0)
			return;
		this.hadAny = hasAny;
		if (!hasAny)
			void this.sayCalm();
	}

	/* With the last one that ended, for whoever was called and finds nothing. */
	private async sayCalm(): Promise<void> {
		const say = (...more: (HTMLElement | string)[]) =>
			replace(this.calm, icon('up'), h('p', null, h('strong', null, t('now.quiet')), ' ', more));

		say();
		try {
			const last = (await get<{ incidents: Incident[] }>('incidents?state=resolved&limit=1')).incidents[0];
			if (last === undefined)
				say(t('now.never'));
			else
				say(...around(t('now.last', { age: '\u0000' }), ago(last.resolved_at)),
					h('a', { href: toIncident(last.id) }, last.title));
		} catch {
			/* it is calm all the same */
		}
	}
}

/* A text with an element where its argument goes. */
function around(words: string, el: HTMLElement): (HTMLElement | string)[] {
	const [before = '', after = ''] = words.split('\u0000');

	return [before, el, after];
}

/* --- checks --- */

/* Whoever looks at a check and comes back finds the same rows. */
let keptFilter = '';

class GroupBox {
	readonly el: HTMLElement;
	private readonly list = h('ul', { class: 'rows' });
	private readonly count = h('span', { class: 'group-count' });
	private readonly bad = h('span', { class: 'group-bad' });
	private readonly fold: HTMLButtonElement;

	constructor(readonly name: string, isFolded: boolean, onFold: (isFolded: boolean) => void) {
		this.fold = h('button', {
			type: 'button',
			class: 'group-fold',
			'aria-expanded': String(!isFolded),
			onclick: () => {
				const willFold = this.fold.getAttribute('aria-expanded') === 'true';
				this.setFolded(willFold);
				onFold(willFold);
			},
		}, h('span', { class: 'group-arrow', 'aria-hidden': 'true' }), name === '' ? t('now.group-rest') : name);
		this.el = h('div', { class: 'group' },
			h('h3', { class: 'group-head' }, this.fold, this.count, this.bad), this.list);
		this.setFolded(isFolded);
	}

	setFolded(isFolded: boolean): void {
		this.fold.setAttribute('aria-expanded', String(!isFolded));
		this.list.hidden = isFolded;
	}

	/* `isAlone`: the only one, without a name: no heading. */
	set(group: Group, rows: Element[], isAlone: boolean): void {
		this.el.classList.toggle('is-alone', isAlone);
		if (isAlone)
			this.list.hidden = false;
		this.count.textContent = t('now.group-count', { n: group.checks.length });
		this.bad.textContent = group.bad === 0 ? '' : t('now.group-bad', { n: group.bad });
		this.list.classList.toggle('is-long', rows.length > LONG);
		arrangeChildren(this.list, rows);
	}
}

function folded(): Set<string> {
	try {
		return new Set(JSON.parse(recall(FOLDED_KEY) ?? '[]') as string[]);
	} catch {
		return new Set();
	}
}

class Board {
	readonly el = h('section', { class: 'now-checks', 'aria-labelledby': 'now-checks' });
	readonly filter: HTMLInputElement;
	private readonly sort: HTMLSelectElement;
	private readonly counts = h('div', { class: 'counts' });
	private readonly box = h('div', { class: 'groups' });
	private readonly none = h('div', { class: 'empty', role: 'status' });
	private readonly groups = new Map<string, GroupBox>();
	private readonly folded = folded();
	private readonly rows: Rows;
	private follows = new Map<string, string>();
	private states = new Map<string, string>();
	private shownCounts = '';
	quiet: Quiet | null = null;

	constructor() {
		this.rows = new Rows(check => this.marks(check));
		this.filter = h('input', {
			type: 'search', id: 'filter', placeholder: t('now.filter-hint'), autocomplete: 'off', spellcheck: 'false',
			'aria-keyshortcuts': '/', value: keptFilter,
			oninput: () => this.arrange(),
		});
		const kept = recall(SORT_KEY);
		this.sort = h('select', {
			id: 'sort',
			onchange: () => {
				remember(SORT_KEY, this.sort.value);
				this.arrange();
			},
		}, sorts.map(one => h('option', { value: one, selected: one === kept }, t(`now.sort-${one}`))));
		replace(this.el,
			h('div', { class: 'bar' },
				h('h2', { id: 'now-checks' }, t('now.checks')), this.counts,
				h('div', { class: 'bar-end' },
					h('label', { class: 'unseen', for: 'filter' }, t('now.filter')), this.filter,
					h('label', { class: 'unseen', for: 'sort' }, t('now.sort')), this.sort)),
			this.none, this.box);
	}

	private marks(check: Check): Marks {
		return { muted: mutedBy(this.quiet, check), follows: this.follows.get(check.name) ?? null };
	}

	/* What an open incident drags down says so; true when that changed. */
	private findFollowers(): boolean {
		const found = new Map<string, string>();

		for (const one of live.incidents.values())
			for (const hit of one.impact)
				if (hit.check !== one.check)
					found.set(hit.check, one.check);
		const isSame = found.size === this.follows.size && [...found].every(([k, v]) => this.follows.get(k) === v);
		this.follows = found;
		return !isSame;
	}

	/* Buttons that filter by state. */
	private sayCounts(): void {
		const counts = countStates(live.checks.values());
		const chosen = this.filter.value.trim();
		const key = `${[...counts]} ${chosen}`;

		if (key === this.shownCounts)
			return;
		this.shownCounts = key;
		const had = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.count : undefined;
		const button = (name: string, words: (Node | string)[], filter: string) => h('button', {
			type: 'button', class: 'count', 'data-count': name, 'aria-pressed': String(chosen === filter),
			onclick: () => this.setFilter(chosen === filter ? '' : filter),
		}, words);
		replace(this.counts, [...counts].map(([name, n]) =>
			button(name, [badge('state', name), h('span', { class: 'num' }, n)], `state:${name}`)));
		if (had !== undefined)
			this.counts.querySelector<HTMLElement>(`[data-count="${had}"]`)?.focus();
	}

	private setFilter(to: string): void {
		this.filter.value = to;
		this.arrange();
	}

	private group(name: string): GroupBox {
		let box = this.groups.get(name);

		if (box === undefined) {
			box = new GroupBox(name, this.folded.has(name), isFolded => {
				if (isFolded)
					this.folded.add(name);
				else
					this.folded.delete(name);
				remember(FOLDED_KEY, JSON.stringify([...this.folded]));
			});
			this.groups.set(name, box);
		}
		return box;
	}

	arrange(): void {
		const filter = keptFilter = this.filter.value;
		const groups = arrange(live.checks.values(), this.sort.value as Sort, parseFilter(filter), this.follows);
		const isAlone = groups.length === 1 && groups[0]!.name === '';

		for (const check of live.checks.values())
			this.states.set(check.name, stateName(check));
		for (const group of groups) {
			const box = this.group(group.name);
			box.setFolded(filter.trim() === '' && this.folded.has(group.name));
			box.set(group, group.checks.map(check => this.rows.row(check).el), isAlone);
		}
		arrangeChildren(this.box, groups.map(group => this.group(group.name).el));
		this.sayCounts();
		this.sayNone(groups.length === 0, filter.trim() !== '');
	}

	private sayNone(isNone: boolean, hasFilter: boolean): void {
		this.none.hidden = !isNone || live.heardAt === 0;
		if (this.none.hidden)
			return;
		if (hasFilter)
			replace(this.none, h('p', null, t('now.no-fit')),
				h('button', { type: 'button', onclick: () => this.setFilter('') }, t('now.clear')));
		else
			replace(this.none, h('p', null, t('now.no-checks')), command('triage init'));
	}

	private refreshAll(): void {
		for (const check of live.checks.values())
			this.rows.set(check);
	}

	refresh(change: Change): void {
		const isFollowChanged = this.findFollowers();
		let isOrderStale = change.all || isFollowChanged || this.sort.value === 'slowest' || this.filter.value !== '';

		if (change.all)
			this.rows.keep(live.checks);
		if (change.all || isFollowChanged)
			this.refreshAll();
		for (const name of change.checks) {
			const check = live.checks.get(name)!;
			if (this.states.get(name) !== stateName(check))
				isOrderStale = true;
			this.rows.set(check);
		}
		if (isOrderStale)
			this.arrange();
	}

	setQuiet(quiet: Quiet): void {
		this.quiet = quiet;
		this.refreshAll();
	}

	close(): void {
		this.rows.close();
	}
}

export function view(root: HTMLElement, _arg: string): () => void {
	const trouble = new Trouble();
	const board = new Board();
	const readQuiet = () => get<Quiet>('silences').then(quiet => {
		trouble.setQuiet(quiet);
		board.setQuiet(quiet);
	}, () => undefined);
	const onKey = (event: KeyboardEvent) => {
		const at = event.target as HTMLElement;
		if (event.key !== '/' || event.ctrlKey || event.metaKey || /^(input|textarea|select)$/i.test(at.tagName)
			|| document.querySelector('dialog[open]') !== null)
			return;
		event.preventDefault();
		board.filter.focus();
	};
	const off = live.on(change => {
		trouble.refresh();
		if (change.all || change.checks.size > 0 || change.incidents.size > 0)
			board.refresh(change);
		if (change.topics.has('silences'))
			void readQuiet();
	});
	const timer = setInterval(readQuiet, QUIET_EVERY_MS);

	replace(root, h('h1', { class: 'unseen', tabindex: '-1' }, t('now.title')), trouble.el, board.el);
	trouble.refresh();
	board.arrange();
	void readQuiet();
	document.addEventListener('keydown', onKey);
	document.addEventListener('silences', readQuiet);
	return () => {
		off();
		board.close();
		clearInterval(timer);
		document.removeEventListener('keydown', onKey);
		document.removeEventListener('silences', readQuiet);
	};
}
