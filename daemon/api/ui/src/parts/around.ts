/*
 * Plots around a breach: what the rule looks at, from some time before it began until it ended or now,
 * with thresholds as lines and the incident as a band.  Drawn anew while it is open.
 */
import { get, part } from '../api';
import { bandsOf, windowOf, type Stretch } from '../breach';
import { h, replace } from '../dom';
import { live } from '../live';
import { plot, type PlotThreshold } from '../plot';
import type { Incident, RuleStanding, Series } from '../types';
import { t } from '../words';

const PLOTS_MOST = 3;
const AGAIN_MS = 30000;
const YOUNG_S = 300; /* what was seen lately is not on disk yet, and much is to come */
const YOUNG_AGAIN_MS = 5000;

const ageOf = (incident: Incident): number => (live.now() - Date.parse(incident.started_at)) / 1000;

const at = (seconds: number): string => new Date(seconds * 1000).toISOString().replace(/\.\d+Z$/, 'Z');

async function seriesOf(incident: Incident, where: Stretch, metrics: string[]): Promise<Series> {
	const query = new URLSearchParams({ since: at(where.from), until: at(where.to) });
	if (metrics.length > 0)
		query.set('metric', metrics.join(','));
	return get<Series>(`checks/${part(incident.check)}/series?${query}`);
}

/* What the rule of the incident holds its metrics against; nothing where that is not known. */
async function thresholdsOf(incident: Incident): Promise<RuleStanding['thresholds']> {
	try {
		const { rules } = await get<{ rules: RuleStanding[] }>(`checks/${part(incident.check)}/rules`);
		return rules.find(rule => rule.name === incident.rule)?.thresholds ?? [];
	} catch {
		return [];
	}
}

/* The metrics of the rule first, then what the check shows anyhow. */
async function read(incident: Incident, where: Stretch): Promise<{ doc: Series; thresholds: RuleStanding['thresholds'] }> {
	const thresholds = await thresholdsOf(incident);
	const metrics = [...new Set(thresholds.map(one => one.metric))];
	const usual = await seriesOf(incident, where, []);
	const first = metrics.length > 0 ? await seriesOf(incident, where, metrics) : null;
	const series = [...first?.series ?? [], ...usual.series.filter(one => !metrics.includes(one.metric))];
	return { doc: { ...usual, step: first?.step ?? usual.step, series }, thresholds };
}

/* Who reads its numbers or has the pointer on it would lose both. */
function isLookedAt(el: HTMLElement): boolean {
	return el.matches(':hover') || el.contains(document.activeElement) || el.querySelector('details[open]') !== null;
}

export function drawAround(el: HTMLElement, incident: Incident): () => void {
	let ends: (() => void)[] = [];
	let timer: ReturnType<typeof setTimeout> | undefined;
	let isGone = false, isDrawn = false;

	const draw = async (): Promise<void> => {
		const where = windowOf(incident, live.now() / 1000);
		try {
			const { doc, thresholds } = await read(incident, where);
			if (isGone)
				return;
			if (isDrawn && isLookedAt(el)) {
				timer = setTimeout(() => void draw(), YOUNG_AGAIN_MS);
				return;
			}
			const shown = doc.series.filter(one => one.points.length > 0).slice(0, PLOTS_MOST);
			ends.forEach(end => end());
			const boxes = shown.map(() => h('div', { class: 'plot-box' }));
			replace(el, shown.length > 0 ? boxes
				: h('p', { class: 'dim' }, t('incident.no-plots', { name: incident.check })));
			ends = shown.map((one, n) => plot(boxes[n]!, [{ label: one.metric, unit: one.unit, points: one.points }], {
				...where, step: doc.step, height: 160,
				thresholds: thresholds.filter(line => line.metric === one.metric)
					.map((line): PlotThreshold => ({ value: line.value, severity: line.severity })),
				bands: bandsOf(incident, where.to),
			}));
			isDrawn = true;
		} catch {
			if (!isGone && !isDrawn)
				replace(el, h('p', { class: 'dim' }, t('incident.no-plots', { name: incident.check })));
		}
		if (!isGone && incident.resolved_at === null)
			timer = setTimeout(() => void draw(), ageOf(incident) < YOUNG_S ? YOUNG_AGAIN_MS : AGAIN_MS);
	};
	replace(el, h('p', { class: 'dim' }, t('page.reading')));
	void draw();
	return () => {
		isGone = true;
		clearTimeout(timer);
		ends.forEach(end => end());
	};
}
