/*
 * One plot over uPlot: lines with the room between least and most behind them, thresholds as dashed
 * lines, incidents as shaded bands.  A line of text under it reads what is under the pointer; the
 * numbers themselves are in a table, which is built when it is opened.
 */
import uPlot from 'uplot';

import { h, replace, text } from './dom';
import { clock, day, exact, quantity } from './format';
import { align, extent, limits, type Columns } from './plotdata';
import type { Point, Severity } from './types';
import { t, word } from './words';

export interface PlotSeries {
	label: string;
	unit: string;
	points: Point[];
}

export interface PlotThreshold {
	value: number;
	severity: Severity;
	label?: string;
}

export interface PlotBand {
	from: number; /* unix seconds */
	to: number;
	severity: Severity;
	label?: string;
}

export interface PlotOptions {
	from: number; /* unix seconds */
	to: number;
	step: number;
	thresholds?: PlotThreshold[];
	bands?: PlotBand[];
	height?: number;
}

const ROWS_MOST = 60;
const colours = ['--accent', '--phase-first_byte', '--phase-tls', '--phase-transfer', '--phase-dns', '--phase-send'];
const dashes = [[], [7, 3], [2, 3], [10, 3, 2, 3], [4, 4], [1, 2]];

function colour(name: string): string {
	return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/* --- what is drawn besides the lines --- */

function drawBands(u: uPlot, bands: PlotBand[]): void {
	const { ctx, bbox } = u;

	ctx.save();
	ctx.beginPath();
	ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
	ctx.clip();
	for (const band of bands) {
		const left = u.valToPos(band.from, 'x', true);
		const right = Math.max(u.valToPos(band.to, 'x', true), left + 2);
		ctx.fillStyle = colour(`--${band.severity}-bg`);
		ctx.fillRect(left, bbox.top, right - left, bbox.height);
		ctx.fillStyle = colour(`--${band.severity}`);
		ctx.fillRect(left, bbox.top, right - left, 3 * devicePixelRatio);
	}
	ctx.restore();
}

/* Beside the line's right end, else its left, else not at all: the rules are told elsewhere, too. */
function drawLabel(u: uPlot, words: string, y: number, taken: number[][]): void {
	const { ctx, bbox } = u;
	const px = devicePixelRatio;
	const height = 14 * px;
	const width = ctx.measureText(words).width + 8 * px;
	const top = y - height < bbox.top ? y + 2 * px : y - height - 2 * px;
	const side = taken.findIndex(list => list.every(one => Math.abs(one - top) >= height));

	if (side === -1)
		return;
	const left = side === 0 ? bbox.left + bbox.width - width : bbox.left;
	taken[side]!.push(top);
	const ink = ctx.fillStyle;
	ctx.fillStyle = colour('--card');
	ctx.globalAlpha = 0.85;
	ctx.fillRect(left, top, width, height);
	ctx.globalAlpha = 1;
	ctx.fillStyle = ink;
	ctx.fillText(words, left + 4 * px, top + 11 * px);
}

function drawThresholds(u: uPlot, thresholds: PlotThreshold[], unit: string): void {
	const { ctx, bbox } = u;
	const px = devicePixelRatio;
	const taken: number[][] = [[], []];

	ctx.save();
	ctx.font = `${11 * px}px system-ui, sans-serif`;
	ctx.textAlign = 'left';
	ctx.lineWidth = 1.5 * px;
	for (const one of thresholds) {
		const y = Math.round(u.valToPos(one.value, 'y', true));
		if (!(y >= bbox.top && y <= bbox.top + bbox.height))
			continue;
		ctx.strokeStyle = ctx.fillStyle = colour(`--${one.severity}`);
		ctx.setLineDash([6 * px, 4 * px]);
		ctx.beginPath();
		ctx.moveTo(bbox.left, y);
		ctx.lineTo(bbox.left + bbox.width, y);
		ctx.stroke();
		drawLabel(u, one.label ?? `${word('severity', one.severity)} ${quantity(one.value, unit)}`, y, taken);
	}
	ctx.restore();
}

/* --- axes --- */

function timeTicks(splits: number[], increment: number): string[] {
	let before = '';

	return splits.map(s => {
		const d = new Date(s * 1000);
		const on = d.toDateString();
		const isNew = before !== '' && on !== before;
		const time = `${String(d.getHours()).padStart(2, '0')}:${String(d.getMinutes()).padStart(2, '0')}`;

		before = on;
		if (increment >= 86400 || (isNew && d.getHours() === 0 && d.getMinutes() === 0))
			return day(d);
		return increment < 60 ? `${time}:${String(d.getSeconds()).padStart(2, '0')}` : time;
	});
}

/* Steps that read well in the unit: binary for bytes. */
const byteSteps = [...Array(50).keys()].map(n => 2 ** n);

function axes(unit: string): uPlot.Axis[] {
	const look = {
		stroke: colour('--dim'),
		grid: { stroke: colour('--line'), width: 1 },
		ticks: { stroke: colour('--line'), width: 1, size: 4 },
		font: '12px system-ui, sans-serif',
	};

	return [
		{ ...look, size: 34, grid: { show: false }, values: (_u, splits, _i, _space, increment) => timeTicks(splits, increment), space: 70 },
		{
			...look,
			...(unit === 'B' ? { incrs: byteSteps } : {}),
			space: 28,
			values: (_u, splits) => splits.map(v => quantity(v, unit)),
			size: (_u, values) => 16 + 7 * Math.max(4, ...(values ?? []).map(v => v.length)),
		},
	];
}

function lines(series: PlotSeries[], hasRange: boolean): uPlot.Series[] {
	const one = series.map((s, i): uPlot.Series => ({
		label: s.label,
		stroke: colour(colours[i % colours.length]!),
		width: 1.75,
		dash: dashes[i % dashes.length],
		points: { show: s.points.length < 3 ? true : undefined, size: 5 },
	}));

	if (hasRange)
		one.push({ label: 'max', points: { show: false } }, { label: 'min', points: { show: false } });
	return [{}, ...one];
}

function dataOf(columns: Columns, hasRange: boolean): uPlot.AlignedData {
	const more = hasRange ? [columns.highs[0]!, columns.lows[0]!] : [];

	return [columns.xs, ...columns.averages, ...more] as uPlot.AlignedData;
}

/* --- the words under and around it --- */

function legend(series: PlotSeries[]): HTMLElement {
	return h('figcaption', { class: 'plot-legend' }, series.map((one, i) => {
		const swatch = h('span', { class: 'swatch', 'aria-hidden': 'true' });
		swatch.style.setProperty('--swatch', `var(${colours[i % colours.length]})`);
		swatch.style.borderTopStyle = i === 0 ? 'solid' : i % 2 === 1 ? 'dashed' : 'dotted';
		return h('span', { class: 'plot-name' }, swatch, h('code', null, one.label));
	}));
}

function inWords(series: PlotSeries[]): string {
	return series.map(one => {
		const e = extent(one.points);
		return e === undefined ? t('plot.empty', { name: one.label }) : t('plot.summary', {
			name: one.label, low: quantity(e.low, one.unit), high: quantity(e.high, one.unit),
			mean: quantity(e.mean, one.unit), last: quantity(e.last, one.unit),
		});
	}).join('; ');
}

function numbers(series: PlotSeries[]): HTMLElement {
	const box = h('div', { class: 'numbers-box', tabindex: '0' });
	const build = () => {
		const at = new Map<number, (Point | undefined)[]>();

		series.forEach((one, i) => one.points.slice(-ROWS_MOST).forEach(point => {
			const row = at.get(point[0]) ?? [];
			row[i] = point;
			at.set(point[0], row);
		}));
		const rows = [...at].sort((a, b) => b[0] - a[0]).slice(0, ROWS_MOST);
		replace(box, h('table', null,
			h('caption', { class: 'unseen' }, t('plot.numbers')),
			h('thead', null, h('tr', null, h('th', { scope: 'col' }, t('plot.time')),
				series.map(one => [
					h('th', { scope: 'col', class: 'num' }, h('code', null, one.label)),
					h('th', { scope: 'col', class: 'num' }, t('plot.least-most')),
				]))),
			h('tbody', null, rows.map(([x, cells]) => h('tr', null,
				h('td', { class: 'num-left', title: exact(x * 1000) }, clock(x * 1000)),
				series.map((one, i) => {
					const cell = cells[i];
					return [
						h('td', { class: 'num' }, cell === undefined ? '' : quantity(cell[1], one.unit)),
						h('td', { class: 'num dim' }, cell === undefined || cell[2] === cell[3] ? ''
							: `${quantity(cell[2], one.unit)} – ${quantity(cell[3], one.unit)}`),
					];
				}))))));
	};
	const details: HTMLDetailsElement = h('details', {
		class: 'numbers', ontoggle: () => details.open && build(),
	}, h('summary', null, t('plot.numbers')), box);

	return details;
}

/* What is read under the pointer, else the newest. */
function reading(u: uPlot, series: PlotSeries[]): string {
	const at = u.cursor.idx;
	const values = u.data;

	if (at === null || at === undefined)
		return inWords(series);
	const x = values[0][at];
	return x === undefined ? '' : `${clock(x * 1000)} — ${series.map((one, i) => {
		const v = values[i + 1]?.[at];
		return `${one.label} ${v === null || v === undefined ? t('plot.none') : quantity(v, one.unit)}`;
	}).join(', ')}`;
}

/* --- the plot --- */

/* All series have the unit of the first.  Returns what takes the plot down. */
export function plot(el: HTMLElement, series: PlotSeries[], opts: PlotOptions): () => void {
	const unit = series[0]?.unit ?? '';
	const columns = align(series.map(one => one.points), opts.step);
	const hasRange = series.length === 1 && series[0]!.points.some(point => point[4] > 1);
	const extents = series.map(one => extent(one.points)).filter(one => one !== undefined);
	const low = Math.min(...extents.map(one => one.low));
	const high = Math.max(...extents.map(one => one.high));
	const range = limits(low, high, unit, (opts.thresholds ?? []).map(one => one.value));
	const frame = h('div', { class: 'plot-frame', role: 'img', 'aria-label': inWords(series) });
	const said = h('p', { class: 'plot-read num', 'aria-hidden': 'true' }, inWords(series));
	let u: uPlot | null = null;
	let shown: [number, number] = [opts.from, opts.to]; /* the time that was asked for, or a part of it */

	replace(el, h('figure', { class: 'plot' }, legend(series), frame, said, numbers(series)));
	if (extents.length === 0) {
		replace(frame, h('p', { class: 'empty' }, t('plot.nothing')));
		return () => undefined;
	}

	function zoom(self: uPlot, to: [number, number]): void {
		shown = to;
		frame.toggleAttribute('data-zoomed', to[0] !== opts.from || to[1] !== opts.to);
		self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
		self.setScale('x', { min: to[0], max: to[1] });
	}

	function draw(): void {
		u?.destroy();
		u = new uPlot({
			width: Math.max(frame.clientWidth, 120),
			height: opts.height ?? 200,
			legend: { show: false },
			cursor: { y: false, points: { size: 7 }, drag: { x: true, y: false, setScale: false } },
			scales: {
				x: { time: true, range: () => shown },
				y: { range: () => range },
			},
			axes: axes(unit),
			series: lines(series, hasRange),
			bands: hasRange ? [{ series: [2, 3], fill: `${colour(colours[0]!)}2e` }] : [],
			hooks: {
				drawClear: [self => drawBands(self, opts.bands ?? [])],
				draw: [self => drawThresholds(self, opts.thresholds ?? [], unit)],
				setCursor: [self => text(said, reading(self, series))],
				setSelect: [self => {
					const { left, width } = self.select;
					if (width > 0)
						zoom(self, [self.posToVal(left, 'x'), self.posToVal(left + width, 'x')]);
				}],
			},
		}, dataOf(columns, hasRange), frame);
	}

	const sizes = new ResizeObserver(() => {
		if (frame.clientWidth > 0 && u !== null && u.width !== frame.clientWidth)
			u.setSize({ width: frame.clientWidth, height: opts.height ?? 200 });
	});

	draw();
	sizes.observe(frame);
	frame.addEventListener('dblclick', () => u !== null && zoom(u, [opts.from, opts.to]), true);
	document.addEventListener('theme', draw);
	return () => {
		sizes.disconnect();
		document.removeEventListener('theme', draw);
		u?.destroy();
	};
}
