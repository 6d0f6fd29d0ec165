/* When an incident was a breach, and which stretch of time shows it.  Pure; unix seconds. */
import type { Incident, Severity } from './types';

export interface Stretch {
	from: number;
	to: number;
}

const seconds = (at: string): number => Date.parse(at) / 1000;

/* A short breach fills a third of the plot; a long one has half an hour before it. */
export function windowOf(incident: Incident, now: number): Stretch {
	const began = seconds(incident.started_at);
	const ended = incident.resolved_at === null ? now : seconds(incident.resolved_at);
	const before = Math.min(1800, Math.max(180, 2 * (ended - began)));
	const after = Math.min(600, Math.max(60, ended - began));
	return { from: began - before, to: Math.min(now + 5, ended + after) };
}

/* One that came back was well in between: from each opening to the root's recovery. */
export function bandsOf(incident: Incident, now: number): (Stretch & { severity: Severity })[] {
	const bands: (Stretch & { severity: Severity })[] = [];
	let from: number | null = seconds(incident.started_at);
	let last = from;
	const close = (to: number): void => {
		if (from !== null)
			bands.push({ from, to, severity: incident.severity });
		from = null;
	};
	for (const one of incident.timeline ?? []) {
		const at = seconds(one.at);
		if (one.kind === 'reopened') {
			close(last);
			from = at;
		} else if (one.kind === 'root-recovered') {
			close(at);
		}
		last = at;
	}
	close(incident.resolved_at === null ? now : seconds(incident.resolved_at));
	return bands;
}
