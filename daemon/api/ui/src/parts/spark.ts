/*
 * The last runs of a check in a thumb's width: a bar for each, as high as it took; a run that failed
 * is a bar of full height that hangs from the top, so that it is told without its colour, too.
 */
import { svg } from '../dom';

const COUNT = 40;
const HEIGHT = 24;
const STEP = 3;

/* Bars of [x, height], heights 0 to 1; -1: failed.  The newest is at the right.  Pure. */
export function sparkBars(totals: (number | null)[]): [number, number][] {
	const shown = totals.slice(-COUNT);
	const known = shown.filter((one): one is number => one !== null).sort((a, b) => a - b);
	const middle = known[Math.floor(known.length / 2)] ?? 0;
	/* One outlier does not flatten the rest; a quiet series stays low. */
	const top = Math.max(middle * 2, Math.min(known[known.length - 1] ?? 0, middle * 6)) || 1;

	return shown.map((one, i) => [
		COUNT - shown.length + i,
		one === null ? -1 : Math.min(1, Math.max(0.08, one / top)),
	]);
}

function paths(totals: (number | null)[]): { ok: string; bad: string } {
	let ok = '';
	let bad = '';

	for (const [x, height] of sparkBars(totals)) {
		const at = x * STEP + STEP / 2;
		if (height < 0)
			bad += `M${at} 2V${HEIGHT - 6}`;
		else
			ok += `M${at} ${HEIGHT}V${(HEIGHT * (1 - height)).toFixed(1)}`;
	}
	return { ok, bad };
}

export interface Spark {
	el: SVGElement;
	set(totals: (number | null)[] | undefined): void;
	fit(count: number): void; /* no wider than so many bars */
}

export function makeSpark(): Spark {
	const ok = svg('path', { class: 'spark-ok' });
	const bad = svg('path', { class: 'spark-bad' });
	const el = svg('svg', {
		class: 'spark', viewBox: `0 0 ${COUNT * STEP} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true',
	}, ok, bad);
	let shown: unknown;

	return {
		el,
		fit(count) {
			const shown = Math.min(count, COUNT) * STEP;
			el.setAttribute('viewBox', `${COUNT * STEP - shown} 0 ${shown} ${HEIGHT}`);
			el.style.width = `${shown}px`;
		},
		set(totals) {
			if (totals === undefined || totals === shown)
				return;
			shown = totals;
			const d = paths(totals);
			ok.setAttribute('d', d.ok);
			bad.setAttribute('d', d.bad);
		},
	};
}
