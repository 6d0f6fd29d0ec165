/* One check: how it stands, its last run, its history, its rules, what has been decided and why. */
import { get, part, Problem, send } from '../api';
import { h, replace, type Child } from '../dom';
import { clock, exact, quantity, took, unitOf } from '../format';
import { live } from '../live';
import { ago, lasting, since, until } from '../parts/age';
import { badge } from '../parts/badge';
import { mutedWords } from '../parts/card';
import { openSilence } from '../parts/forms';
import { History } from '../parts/history';
import { whenLoggedIn } from '../parts/login';
import { done, failed } from '../parts/notice';
import { phaseNames, phaseTable } from '../parts/phases';
import { makeSpark } from '../parts/spark';
import { decisionList, incidentList, ruleList, uptimeList } from '../parts/standing';
import { extent } from '../plotdata';
import { mutedBy } from '../quiet';
import { toCheck, toIncident } from '../route';
import { stateName } from '../state';
import type { Check, Decision, Incident, Quiet, RuleStanding, Sample, Series, Uptime } from '../types';
import { t, word } from '../words';

const AGAIN_MS = 30000;
const SAMPLES_SHOWN = 30;
const SAMPLE_METRICS = 4;
const INCIDENTS_SHOWN = 10;

/* Words under a heading; a heading without words is hidden. */
class Section {
	readonly el: HTMLElement;
	private readonly box = h('div', null);
	private shown = '';

	constructor(id: string, title: string, isHidden = true) {
		this.el = h('section', { class: 'card', 'aria-labelledby': id, hidden: isHidden }, h('h2', { id }, title), this.box);
	}

	/* Does nothing while `key` is as before; what was unfolded stays so. */
	set(key: string, make: () => Child): void {
		if (key === this.shown)
			return;
		const open = new Set([...this.box.querySelectorAll<HTMLDetailsElement>('details[open]')].map(one => one.dataset.keep));

		this.shown = key;
		replace(this.box, make());
		for (const one of this.box.querySelectorAll<HTMLDetailsElement>('details[data-keep]'))
			one.open = open.has(one.dataset.keep);
		this.el.hidden = false;
	}

	hide(): void {
		this.el.hidden = true;
		this.shown = '';
	}
}

/* --- the head --- */

async function runNow(name: string, button: HTMLButtonElement): Promise<void> {
	button.disabled = true;
	try {
		await send('POST', `checks/${part(name)}/run`);
		done(t('check.run-started', { name }));
	} catch (e) {
		failed(e);
	} finally {
		button.disabled = false;
	}
}

function tags(check: Check, quiet: Quiet | null): HTMLElement[] {
	const muted = mutedBy(quiet, check);
	const list: string[] = [];

	if (muted !== null)
		list.push(mutedWords(muted));
	if (check.blind)
		list.push(t('mark.blind'));
	for (const one of live.incidents.values())
		if (one.check !== check.name && one.impact.some(hit => hit.check === check.name))
			list.push(t('mark.suppressed', { name: one.check }));
	return list.map(words => h('span', { class: 'tag' }, words));
}

function openIncidents(name: string): Incident[] {
	return [...live.incidents.values()].filter(one => one.check === name || one.impact.some(hit => hit.check === name));
}

function incidentLine(one: Incident): HTMLElement {
	return h('a', { class: `incident-line is-${one.severity}`, href: toIncident(one.id) },
		badge('severity', one.severity), h('span', null, one.title), lasting(one.started_at));
}

/* --- the last run --- */

function strip(check: Check): Child {
	const totals = check.totals ?? [];
	const spark = makeSpark();

	if (totals.length < 2)
		return null;
	spark.set(totals);
	spark.fit(totals.length);
	return h('div', { class: 'strip' }, spark.el, h('span', { class: 'hint' },
		t('check.runs-strip', { n: totals.length, bad: totals.filter(one => one === null).length })));
}

function valueTable(last: Sample): HTMLElement {
	return h('details', { class: 'fold', 'data-keep': 'values' },
		h('summary', null, t('check.values')),
		h('table', null,
			h('thead', null, h('tr', null, h('th', { scope: 'col' }, t('check.value-name')), h('th', { scope: 'col', class: 'num' }, t('check.value')))),
			h('tbody', null, Object.entries(last.values).map(([name, value]) => h('tr', null,
				h('th', { scope: 'row' }, h('code', null, name)),
				h('td', { class: 'num' }, quantity(value, last.units?.[name] ?? unitOf(name))))))));
}

function evidence(last: Sample): Child {
	return last.facts.length === 0 ? null : [
		h('h3', null, t('check.evidence')),
		h('dl', { class: 'facts' }, last.facts.map(fact => [h('dt', null, fact.name), h('dd', null, fact.text)])),
	];
}

function lastRun(check: Check): Child {
	const last = check.last;

	if (last === null)
		return h('p', { class: 'dim' }, t('check.not-yet'));
	return [
		h('p', { class: `said is-${last.outcome}` }, last.text),
		h('dl', { class: 'terms' },
			h('dt', null, t('check.when')), h('dd', null, ago(last.at), ` · ${word('check', `outcome-${last.outcome}`)}`),
			h('dt', null, t('check.took')), h('dd', null, took(last.duration)),
			last.cause !== null && [h('dt', null, t('check.cause')), h('dd', null, h('code', null, last.cause))],
			h('dt', null, t('check.next')), h('dd', null, check.running ? t('mark.running') : until(check.next),
				h('span', { class: 'dim' }, ` · ${t('check.every', { interval: took(check.interval), timeout: took(check.timeout) })}`)),
			check.failures > 0 && [h('dt', null), h('dd', null, t('check.failures', { n: check.failures }))]),
		strip(check),
		evidence(last),
		last.notes.length > 0 && [h('h3', null, t('check.notes')), h('ul', { class: 'notes' },
			last.notes.map(note => h('li', null, h('code', null, note.cause), ` ${note.text}`)))],
		valueTable(last),
	];
}

/* --- samples --- */

/* Of one stretch of time: what was measured on average. */
interface Stretch {
	at: number;
	values: (number | undefined)[];
}

function stretches(series: Series['series']): Stretch[] {
	const found = new Map<number, Stretch>();

	series.forEach((one, i) => one.points.forEach(point => {
		const stretch = found.get(point[0]) ?? { at: point[0], values: [] };
		stretch.values[i] = point[1];
		found.set(point[0], stretch);
	}));
	return [...found.values()].sort((a, b) => b.at - a.at).slice(0, SAMPLES_SHOWN);
}

function sampleCell(one: Series['series'][number], value: number | undefined): HTMLElement {
	if (one.metric === 'up')
		return h('td', null, value === undefined ? '' : badge('state', value >= 1 ? 'up' : 'down'));
	return h('td', { class: 'num' }, value === undefined ? '–' : quantity(value, one.unit));
}

/* What was said is known only of runs that were seen here. */
function sampleTable(answer: Series, texts: Map<number, string>): Child {
	const series = answer.series.filter(one => one.points.length > 0);
	const rows = stretches(series);
	const said = (at: number) => [...texts].find(([when]) => when >= at && when < at + answer.step)?.[1] ?? '';
	const hasTexts = rows.some(row => said(row.at) !== '');

	if (rows.length === 0)
		return h('p', { class: 'dim' }, t('samples.none'));
	return h('div', { class: 'numbers-box', tabindex: '0' }, h('table', null,
		h('caption', { class: 'unseen' }, t('samples.title')),
		h('thead', null, h('tr', null, h('th', { scope: 'col' }, t('plot.time')),
			series.map(one => (one.metric === 'up' ? h('th', { scope: 'col' }, t('samples.state'))
				: h('th', { scope: 'col', class: 'num' }, h('code', null, one.metric)))),
			hasTexts && h('th', { scope: 'col', class: 'samples-said' }, t('samples.text')))),
		h('tbody', null, rows.map(row => h('tr', null,
			h('td', { class: 'num-left', title: exact(row.at * 1000) }, clock(row.at * 1000)),
			series.map((one, i) => sampleCell(one, row.values[i])),
			hasTexts && h('td', { class: 'samples-said dim' }, said(row.at)))))));
}

/* --- needs, settings --- */

function links(names: string[]): Child {
	return names.map(name => {
		const check = live.checks.get(name);
		return h('li', null, check === undefined ? h('span', null, name)
			: [badge('state', stateName(check)), h('a', { href: toCheck(name) }, name)]);
	});
}

function needsLists(needs: string[], by: string[]): Child {
	return [
		needs.length > 0 && [h('h3', null, t('needs.title')), h('ul', { class: 'needs' }, links(needs))],
		by.length > 0 && [h('h3', null, t('needs.by')), h('ul', { class: 'needs' }, links(by))],
		h('p', null, h('a', { href: '#/map' }, t('needs.map'))),
	];
}

function settingsList(check: Check): Child {
	const labels = Object.entries(check.labels);
	const rows: [string, Child][] = [
		[t('config.target'), h('code', null, check.target)],
		[t('config.type'), check.type],
		[t('config.interval'), t('check.every', { interval: took(check.interval), timeout: took(check.timeout) })],
		[t('config.severity'), word('severity', check.severity)],
	];

	if (check.group !== '')
		rows.push([t('config.group'), check.group]);
	if (labels.length > 0)
		rows.push([t('config.labels'), labels.map(([name, value]) => h('span', { class: 'tag' }, `${name}=${value}`))]);
	return h('dl', { class: 'terms' }, rows.map(([name, value]) => [h('dt', null, name), h('dd', null, value)]));
}

/* --- the page --- */

class Page {
	private readonly head = h('header', { class: 'check-head' });
	private readonly incident = h('div', { class: 'incident-lines' });
	private readonly history: History;
	private readonly lastRun = new Section('last-run', t('check.last'));
	private readonly phases = new Section('phases', t('check.phases'));
	private readonly samples = new Section('samples', t('samples.title'));
	private readonly rules = new Section('rules', t('rules.title'));
	private readonly uptime = new Section('uptime', t('uptime.title'));
	private readonly why = new Section('why', t('why.title'));
	private readonly needs = new Section('needs', t('needs.title'));
	private readonly past = new Section('past', t('past.title'));
	private readonly config = new Section('config', t('config.title'));
	private readonly texts = new Map<number, string>();
	private readonly off: () => void;
	private readonly timer: ReturnType<typeof setInterval>;
	private readonly onSilences = () => void this.readQuiet();
	private quiet: Quiet | null = null;
	private mean: Record<string, number> | null = null;
	private shownHead = '';
	private whole: Check | null = null;
	private isReading = false;
	private isOld = false; /* it changed while it was read */
	private isClosed = false;

	constructor(private readonly root: HTMLElement, private readonly name: string) {
		this.history = new History(name);
		replace(root, this.head, this.incident,
			h('div', { class: 'check-body' },
				h('div', { class: 'check-main' }, this.lastRun.el, this.history.el, this.phases.el, this.samples.el),
				h('div', { class: 'check-side' }, this.uptime.el, this.rules.el, this.why.el, this.needs.el,
					this.past.el, this.config.el)));
		this.off = live.on(change => {
			if (change.topics.has('silences'))
				void this.readQuiet();
			if (change.all || change.checks.has(name))
				void this.readCheck();
			else if (change.incidents.size > 0)
				this.sayHead();
			if (change.incidents.size > 0 || change.ended.length > 0)
				void this.readRest();
		});
		this.timer = setInterval(() => {
			if (!document.hidden && live.link === 'live')
				void this.readRest();
		}, AGAIN_MS);
		document.addEventListener('silences', this.onSilences);
		this.sayHead();
		void this.readCheck().then(() => this.readRest());
		void this.readQuiet();
	}

	/* --- what is read --- */

	private async readCheck(): Promise<void> {
		if (this.isReading) {
			this.isOld = true;
			return;
		}
		this.isReading = true;
		this.isOld = false;
		try {
			this.take(await get<Check>(`checks/${part(this.name)}`));
		} catch (e) {
			if (e instanceof Problem && e.status === 404 && !this.isClosed)
				this.sayNone(e);
		} finally {
			this.isReading = false;
		}
		if (this.isOld && !this.isClosed)
			void this.readCheck();
	}

	private take(check: Check): void {
		const last = check.last;

		if (this.isClosed)
			return;
		this.whole = check;
		if (last !== null)
			this.texts.set(Date.parse(last.at) / 1000, last.text);
		this.sayHead();
		this.lastRun.set(`${last?.at} ${check.running} ${check.next} ${check.failures}`, () => lastRun(check));
		this.sayPhases();
		this.needs.set(JSON.stringify([check.needs, this.neededBy(), this.statesOfNeeds()]),
			() => needsLists(check.needs ?? [], this.neededBy()));
		if ((check.needs ?? []).length === 0 && this.neededBy().length === 0)
			this.needs.hide();
		this.config.set(JSON.stringify([check.target, check.labels, check.interval]), () => settingsList(check));
		if (last !== null)
			void this.history.offer(Object.keys(last.values), [check.value?.metric ?? '', 'total_time']);
	}

	private async quietly<T>(path: string, then: (answer: T) => void): Promise<void> {
		try {
			const answer = await get<T>(path);
			if (!this.isClosed)
				then(answer);
		} catch {
			/* that section stays as it is, or away */
		}
	}

	private async readRest(): Promise<void> {
		const base = `checks/${part(this.name)}`;

		await Promise.all([
			this.quietly<{ rules: RuleStanding[] }>(`${base}/rules`, answer => {
				this.history.setRules(answer.rules);
				this.rules.set(JSON.stringify(answer.rules), () => ruleList(answer.rules));
			}),
			this.quietly<{ incidents: Incident[] }>(`incidents?state=all&since=30d&check=${part(this.name)}&limit=200`,
				answer => this.takeIncidents(answer.incidents)),
			this.quietly<Uptime>(`${base}/uptime`, answer => this.uptime.set(JSON.stringify(answer), () => uptimeList(answer))),
			this.quietly<{ decisions: Decision[] }>(`${base}/why`, answer =>
				this.why.set(JSON.stringify(answer.decisions), () => decisionList(answer.decisions))),
			this.readSamples(),
			this.readPhases(),
		]);
		void this.history.read();
	}

	private takeIncidents(all: Incident[]): void {
		const own = all.filter(one => one.check === this.name || one.impact.some(hit => hit.check === this.name));

		this.history.setIncidents(own);
		this.past.set(JSON.stringify(own.map(one => [one.id, one.status, one.title, one.resolved_at])),
			() => (own.length === 0 ? h('p', { class: 'dim' }, t('past.none')) : incidentList(own.slice(0, INCIDENTS_SHOWN))));
	}

	private async readSamples(): Promise<void> {
		const names = Object.keys(this.whole?.last?.values ?? {});
		const value = this.whole?.value?.metric;
		const first = names.filter(name => name === 'total_time' || name === value);
		const rest = names.filter(name => !first.includes(name) && !name.endsWith('_time'));
		const chosen = ['up', ...first, ...rest].slice(0, SAMPLE_METRICS);

		if (names.length > 0)
			await this.quietly<Series>(`checks/${part(this.name)}/series?since=10m&step=10s&metric=${chosen.map(part).join(',')}`,
				answer => this.samples.set(JSON.stringify(answer.series), () => sampleTable(answer, this.texts)));
	}

	/* What the phases take on average, to hold the last run against. */
	private async readPhases(): Promise<void> {
		const metrics = phaseNames.filter(name => this.whole?.last?.phases[name] !== undefined).map(name => `${name}_time`);

		if (metrics.length > 0)
			await this.quietly<Series>(`checks/${part(this.name)}/series?since=2h&metric=${metrics.join(',')}`, answer => {
				const mean: Record<string, number> = {};
				for (const one of answer.series) {
					const e = extent(one.points);
					if (e !== undefined)
						mean[one.metric.replace(/_time$/, '')] = e.mean;
				}
				this.mean = Object.keys(mean).length > 0 ? mean : null;
				this.sayPhases();
			});
	}

	private async readQuiet(): Promise<void> {
		await this.quietly<Quiet>('silences', quiet => {
			this.quiet = quiet;
			this.sayHead();
		});
	}

	/* --- what is said --- */

	private neededBy(): string[] {
		return [...live.checks.values()].filter(one => one.needs?.includes(this.name)).map(one => one.name);
	}

	private statesOfNeeds(): string[] {
		return [...this.whole?.needs ?? [], ...this.neededBy()].map(name => live.checks.get(name)?.state ?? '');
	}

	private sayPhases(): void {
		const last = this.whole?.last;
		const table = last === null || last === undefined || Object.keys(last.phases).length === 0
			? null : phaseTable(last.phases, this.mean);

		if (table === null)
			this.phases.hide();
		else
			this.phases.set(JSON.stringify([last?.phases, this.mean]), () => table);
	}

	private sayHead(): void {
		const check = this.whole ?? live.checks.get(this.name);
		const open = openIncidents(this.name);

		if (check === undefined)
			return this.sayName();
		const state = live.checks.get(this.name) ?? check;
		const marks = tags(check, this.quiet);
		const key = JSON.stringify([stateName(state), state.since, check.type, check.target, check.description,
			marks.map(one => one.textContent), open.map(one => [one.id, one.title, one.severity])]);

		if (key === this.shownHead)
			return;
		this.shownHead = key;
		replace(this.incident, open.map(incidentLine));
		const had = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.do : undefined;
		const run: HTMLButtonElement = h('button', {
			type: 'button', class: 'primary', 'data-do': 'run', onclick: () => whenLoggedIn(() => void runNow(this.name, run)),
		}, t('check.run'));
		const title = this.head.querySelector('h1') ?? h('h1', { tabindex: '-1' }, this.name);
		replace(this.head,
			h('a', { class: 'back', href: '#/' }, `← ${t('check.all')}`),
			h('div', { class: 'check-title' }, title, badge('state', stateName(state)),
				h('span', { class: 'dim' }, since(state.since), ' ', '(', lasting(state.since), ')'), marks),
			h('p', { class: 'check-what' }, h('span', { class: 'tag' }, check.type), ' ', h('code', null, check.target)),
			check.description !== '' && h('p', { class: 'dim' }, check.description),
			h('div', { class: 'actions' }, run,
				h('button', { type: 'button', 'data-do': 'silence', onclick: () => openSilence({ check: this.name }, this.name) }, t('do.silence'))));
		if (had !== undefined)
			this.head.querySelector<HTMLElement>(`[data-do="${had}"]`)?.focus();
	}

	private sayName(): void {
		replace(this.head, h('a', { class: 'back', href: '#/' }, `← ${t('check.all')}`), h('h1', { tabindex: '-1' }, this.name));
	}

	private sayNone(problem: Problem): void {
		this.close();
		replace(this.root, h('a', { class: 'back', href: '#/' }, `← ${t('check.all')}`),
			h('h1', { tabindex: '-1' }, t('check.none', { name: this.name })),
			h('p', { class: 'dim' }, problem.detail));
	}

	close(): void {
		this.isClosed = true;
		this.off();
		clearInterval(this.timer);
		document.removeEventListener('silences', this.onSilences);
		this.history.close();
	}
}

export function view(root: HTMLElement, arg: string): () => void {
	const page = new Page(root, arg);

	return () => page.close();
}
