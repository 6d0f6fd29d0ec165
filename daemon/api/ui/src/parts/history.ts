/*
 * The history of a check: which metrics, how far back, a plot for each unit, with the limits of the
 * rules and the incidents of that time.  Read again by itself, less often the longer the range.
 */
import { get, part, Problem } from '../api';
import { h, replace } from '../dom';
import { live } from '../live';
import { plot, type PlotBand } from '../plot';
import { recall, remember } from '../settings';
import type { Incident, RuleStanding, Series } from '../types';
import { thresholdsOf } from '../thresholds';
import { t } from '../words';

const ranges = { '15m': 900, '1h': 3600, '2h': 7200, '24h': 86400, '7d': 604800, '30d': 2592000 };
type Range = keyof typeof ranges;

const FIRST_RANGE = '2h';
const RANGE_KEY = 'triaged.range';
const METRICS_MOST = 8;
const ASKED_AT_ONCE = 16;

export function bandsOf(incidents: Incident[], now: number): PlotBand[] {
	return incidents.map(one => ({
		from: Date.parse(one.started_at) / 1000,
		to: one.resolved_at === null ? now : Date.parse(one.resolved_at) / 1000,
		severity: one.severity,
		label: one.title,
	}));
}

/* The metrics that the history keeps, of those that a run had; all of them if that cannot be asked. */
async function keptOf(check: string, metrics: string[]): Promise<string[]> {
	const kept: string[] = [];

	for (let i = 0; i < metrics.length; i += ASKED_AT_ONCE) {
		const some = metrics.slice(i, i + ASKED_AT_ONCE);
		try {
			const answer = await get<Series>(`checks/${part(check)}/series?since=20s&metric=${some.map(part).join(',')}`);
			kept.push(...answer.series.filter(one => one.kept !== false).map(one => one.metric));
		} catch {
			kept.push(...some);
		}
	}
	return kept;
}

/* null: nobody has chosen. */
function keptRange(): Range | null {
	const kept = recall(RANGE_KEY) ?? '';

	return kept in ranges ? kept as Range : null;
}

/* The shortest that shows all of a young history; undefined: it is older than all that was asked for. */
export function shortestRange(answer: Series): Range | undefined {
	const to = Date.parse(answer.until) / 1000;
	const first = Math.min(...answer.series.map(one => one.points[0]?.[0] ?? to));

	return (Object.keys(ranges) as Range[]).find(one => ranges[one] < ranges[FIRST_RANGE] && to - first <= ranges[one]);
}

export class History {
	readonly el = h('section', { class: 'card history', 'aria-labelledby': 'history' });
	private range: Range = keptRange() ?? FIRST_RANGE;
	private isFitted = keptRange() !== null; /* to a history that is shorter */
	private chosen: string[] = [];
	private offered: string[] = [];
	private rules: RuleStanding[] = [];
	private incidents: Incident[] = [];
	private readonly plots = h('div', { class: 'plots' });
	private readonly picker = h('details', { class: 'picker' });
	private readonly count = h('span', { class: 'dim' });
	private readonly boxes = h('div', { class: 'picker-list' });
	private readonly rangeBox: HTMLElement;
	private tearDown: (() => void)[] = [];
	private timer: ReturnType<typeof setTimeout> | undefined;
	private asked = 0;
	private isClosed = false;

	constructor(private readonly check: string) {
		this.rangeBox = h('div', { class: 'segments', role: 'group', 'aria-label': t('history.range') },
			Object.keys(ranges).map(one => h('button', {
				type: 'button', 'data-range': one, onclick: () => this.setRange(one as Range),
			}, one)));
		replace(this.picker, h('summary', null, t('history.metrics'), ' ', this.count), this.boxes);
		replace(this.el,
			h('div', { class: 'section-head' }, h('h2', { id: 'history' }, t('history.title')), this.rangeBox),
			this.picker, this.plots,
			h('p', { class: 'hint' }, `${t('history.key-threshold')} · ${t('history.key-incident')} · ${t('history.zoom')}`));
		this.sayRange();
	}

	private setRange(to: Range): void {
		this.range = to;
		this.isFitted = true;
		remember(RANGE_KEY, to);
		this.sayRange();
		void this.read(true);
	}

	private sayRange(): void {
		for (const button of this.rangeBox.children)
			button.setAttribute('aria-pressed', String((button as HTMLElement).dataset.range === this.range));
	}

	/* Which metrics there are; the first time `first` are chosen.  Those that the history does not
	 * keep are left out. */
	async offer(all: string[], first: string[]): Promise<void> {
		if (all.join() === this.offered.join())
			return;
		this.offered = all;
		const metrics = await keptOf(this.check, all);
		if (this.isClosed)
			return;
		if (this.chosen.length === 0)
			this.chosen = [...new Set(first)].filter(one => metrics.includes(one));
		replace(this.boxes, metrics.map(name => h('label', null,
			h('input', {
				type: 'checkbox', checked: this.chosen.includes(name),
				onchange: (event: Event) => this.choose(name, event.target as HTMLInputElement),
			}), ' ', h('code', null, name))));
		this.sayCount();
		void this.read();
	}

	private choose(name: string, box: HTMLInputElement): void {
		if (!box.checked)
			this.chosen = this.chosen.filter(one => one !== name);
		else if (this.chosen.length < METRICS_MOST)
			this.chosen = [...this.chosen, name];
		else
			box.checked = false;
		this.sayCount();
		void this.read(true);
	}

	private sayCount(): void {
		this.count.textContent = t('history.shown', { n: this.chosen.length });
	}

	setRules(rules: RuleStanding[]): void {
		this.rules = rules;
	}

	setIncidents(incidents: Incident[]): void {
		this.incidents = incidents;
	}

	/* By itself it takes nothing away from under a pointer, nor from who looks closer. */
	async read(isAsked = false): Promise<void> {
		const number = ++this.asked;
		const span = ranges[this.range];

		clearTimeout(this.timer);
		this.timer = setTimeout(() => void this.read(), Math.min(300, Math.max(15, span / 240)) * 1000);
		if (this.chosen.length === 0) {
			this.clear();
			replace(this.plots);
			return;
		}
		if (!isAsked && this.plots.querySelector('.plot-frame:hover, .plot-frame[data-zoomed]') !== null)
			return;
		if (document.hidden || (live.link === 'lost' && live.heardAt > 0))
			return;
		try {
			const answer = await get<Series>(`checks/${part(this.check)}/series?since=${this.range}&metric=${this.chosen.map(part).join(',')}`);
			if (number === this.asked && !this.isClosed && !this.fit(answer))
				this.draw(answer, span);
		} catch (e) {
			if (number === this.asked && !this.isClosed)
				this.sayFailure(e);
		}
	}

	/* Once, unless somebody has chosen: what is all known is shown large; true: it is read again. */
	private fit(answer: Series): boolean {
		const range = this.isFitted ? undefined : shortestRange(answer);

		this.isFitted = true;
		if (range === undefined)
			return false;
		this.range = range;
		this.sayRange();
		void this.read(true);
		return true;
	}

	private sayFailure(e: unknown): void {
		this.clear();
		replace(this.plots, h('p', { class: 'empty' }, e instanceof Problem && e.status === 404
			? t('history.off') : t('history.failed', { text: e instanceof Error ? e.message : '' })));
	}

	private clear(): void {
		for (const fn of this.tearDown)
			fn();
		this.tearDown = [];
	}

	/* A plot for each unit; the first ones chosen first.  A table that is open stays so. */
	private draw(answer: Series, span: number): void {
		const byUnit = new Map<string, Series['series']>();
		const open = [...this.plots.querySelectorAll('details')].map(one => one.open);
		const to = Date.parse(answer.until) / 1000 || live.now() / 1000;
		const order = (name: string) => this.chosen.indexOf(name);

		for (const one of [...answer.series].sort((a, b) => order(a.metric) - order(b.metric)))
			byUnit.set(one.unit, [...byUnit.get(one.unit) ?? [], one]);
		this.clear();
		replace(this.plots);
		for (const group of byUnit.values()) {
			const box = h('div', null);
			this.plots.append(box);
			this.tearDown.push(plot(box, group.map(one => ({ label: one.metric, unit: one.unit, points: one.points })), {
				from: to - span,
				to,
				step: answer.step,
				thresholds: thresholdsOf(this.rules, group.map(one => one.metric)),
				bands: bandsOf(this.incidents, to),
			}));
		}
		this.plots.querySelectorAll('details').forEach((one, i) => {
			one.open = open[i] ?? false;
		});
	}

	close(): void {
		this.isClosed = true;
		clearTimeout(this.timer);
		this.clear();
	}
}
