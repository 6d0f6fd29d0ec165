/* Series made ready for plotting: aligned columns, gaps, limits, what a plot says in words.  Pure. */
import type { Point } from './types';

/* No line is drawn over a longer hole than so many steps. */
const GAP_STEPS = 2.5;

/* A value; null where the line breaks; undefined where only another series has a point. */
export type Column = (number | null | undefined)[];

export interface Columns {
	xs: number[];
	averages: Column[];
	lows: Column[];
	highs: Column[];
}

function times(all: Point[][], step: number): number[] {
	const known = new Set<number>();

	for (const points of all) {
		let before = NaN;
		for (const [at] of points) {
			known.add(at);
			if (at - before > step * GAP_STEPS)
				known.add(before + step);
			before = at;
		}
	}
	return [...known].sort((a, b) => a - b);
}

function column(xs: number[], points: Point[], step: number, pick: (point: Point) => number): Column {
	const at = new Map(points.map(point => [point[0], pick(point)]));
	const column: Column = xs.map(x => at.get(x));

	/* Inside of a hole one null is enough to break the line. */
	points.forEach((point, i) => {
		const next = points[i + 1];
		if (next === undefined || next[0] - point[0] <= step * GAP_STEPS)
			return;
		column[xs.indexOf(point[0] + step)] = null;
	});
	return column;
}

export function align(all: Point[][], step: number): Columns {
	const xs = times(all, step);

	return {
		xs,
		averages: all.map(points => column(xs, points, step, point => point[1])),
		lows: all.map(points => column(xs, points, step, point => point[2])),
		highs: all.map(points => column(xs, points, step, point => point[3])),
	};
}

/*
 * What the scale shows: from 0 where that is not far off, up to the data and to thresholds that are
 * near enough not to flatten it.  Percentages have their whole scale once they are not small.
 */
export function limits(low: number, high: number, unit: string, thresholds: number[]): [number, number] {
	let from = low >= 0 && low < high * 0.75 || low === high ? Math.min(0, low) : low - (high - low) * 0.1;
	let to = high + (high - Math.max(from, 0)) * 0.08;

	for (const one of thresholds) {
		if (one > to && one <= high * 4)
			to = one * 1.08;
		if (one < from && one >= 0)
			from = 0;
	}
	if (unit === '%' && high <= 100 && high > 20)
		return [0, 100];
	return from === to ? [from - 1, to + 1] : [from, to];
}

export interface Extent {
	low: number;
	high: number;
	last: number;
	mean: number;
}

/* undefined: there is no point. */
export function extent(points: Point[]): Extent | undefined {
	let low = Infinity;
	let high = -Infinity;
	let sum = 0;
	let count = 0;

	for (const [, average, least, most, n] of points) {
		low = Math.min(low, least);
		high = Math.max(high, most);
		sum += average * n;
		count += n;
	}
	const last = points[points.length - 1];
	return last === undefined ? undefined : { low, high, last: last[1], mean: sum / (count || 1) };
}
