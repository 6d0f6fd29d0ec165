/*
 * What a match (of a silence, a route, planned work) takes in: the same answer as the daemon's, so
 * that a form can show before it is sent what it would do.  Pure.
 */
import { labelsFit, nameFits, oneFits } from './quiet';
import type { Check, Incident, Match } from './types';

const levels = ['info', 'warning', 'critical'];

/* Could anything that is wrong with this check fit?  Its rules and causes are not asked for. */
export function fitsCheckAtAll(match: Match, check: Pick<Check, 'name' | 'type' | 'labels'>): boolean {
	return nameFits(match.check, check.name) && oneFits(match.type, check.type) &&
		labelsFit(match.labels, check.labels);
}

export function fitsIncident(match: Match, incident: Incident): boolean {
	const { code, finding } = incident.cause;
	return oneFits(match.severity, incident.severity) &&
		levels.indexOf(incident.severity) >= levels.indexOf(match.min_severity ?? 'info') &&
		nameFits(match.check, incident.check) && oneFits(match.type, incident.type) &&
		oneFits(match.rule, incident.rule) &&
		(oneFits(match.cause, code) || (finding !== undefined && oneFits(match.cause, finding))) &&
		labelsFit(match.labels, incident.labels);
}

export function isEmpty(match: Match): boolean {
	return Object.values(match).every(value =>
		value === undefined || Object.keys(value).length === 0);
}

/* "db*, cache" as people type lists. */
export function words(text: string): string[] {
	return text.split(/[\s,，、]+/).filter(word => word !== '');
}

/* "team=core env=~prod|live": null where a part is no pair. */
export function pairs(text: string): Record<string, string> | null {
	const all: Record<string, string> = {};
	for (const word of words(text)) {
		const at = word.indexOf('=');
		if (at < 1)
			return null;
		all[word.slice(0, at)] = word.slice(at + 1);
	}
	return all;
}

/* [key, what it must be], in the order in which people think of them. */
export function rows(match: Match): [string, string][] {
	const out: [string, string][] = [];
	for (const key of ['check', 'type', 'rule', 'cause', 'severity'] as const)
		if ((match[key]?.length ?? 0) > 0)
			out.push([key, (match[key] ?? []).join(', ')]);
	if (match.min_severity !== undefined)
		out.push(['min_severity', match.min_severity]);
	for (const [key, value] of Object.entries(match.labels ?? {}))
		out.push([key, value]);
	return out;
}
