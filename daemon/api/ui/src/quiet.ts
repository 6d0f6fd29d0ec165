/*
 * Which checks nobody is told of just now: silences and maintenance held against names, as the
 * daemon does.  Pure.  A silence that also asks for rules, causes or severities is about some
 * incidents of a check only, and is left to the page of silences.
 */
import type { Check, Maintenance, Match, Quiet, Silence } from './types';

export interface Muted {
	kind: 'silenced' | 'maintenance';
	until?: string;
	why?: string;
}

/* `*` any text, `?` one character, `[ab]` one of them. */
export function globFits(glob: string, value: string): boolean {
	if (glob === value)
		return true;
	const pattern = glob.replace(/[.+^${}()|\\]/g, '\\$&')
		.replace(/\[!/g, '[^').replace(/\*/g, '.*').replace(/\?/g, '.');
	try {
		return new RegExp(`^${pattern}$`, 's').test(value);
	} catch {
		return false;
	}
}

export function oneFits(globs: string[] | undefined, value: string): boolean {
	return globs === undefined || globs.some(glob => globFits(glob, value));
}

/* The name of a check with children stands for them. */
export function nameFits(globs: string[] | undefined, name: string): boolean {
	const bracket = name.indexOf('[');

	return oneFits(globs, name) || (bracket > 0 && oneFits(globs, name.slice(0, bracket)));
}

export function labelsFit(wanted: Record<string, string> | undefined, labels: Record<string, string>): boolean {
	return Object.entries(wanted ?? {}).every(([name, pattern]) => {
		const value = labels[name];

		if (value === undefined)
			return false;
		if (!pattern.startsWith('~'))
			return globFits(pattern, value);
		try {
			return new RegExp(`^(?:${pattern.slice(1)})$`).test(value);
		} catch {
			return false;
		}
	});
}

export function fits(match: Match, check: Pick<Check, 'name' | 'type' | 'labels'>): boolean {
	const isOfSome = [match.rule, match.cause, match.severity].some(one => one !== undefined && one.length > 0)
		|| (match.min_severity !== undefined && match.min_severity !== 'info');

	return !isOfSome && nameFits(match.check, check.name) && oneFits(match.type, check.type) &&
		labelsFit(match.labels, check.labels);
}

function bySilence(list: Silence[], check: Check): Muted | null {
	const found = list.find(one => one.state === 'active' && fits(one.match, check));

	return found === undefined ? null : { kind: 'silenced', until: found.ends_at, why: found.comment };
}

function byWork(list: Maintenance[], check: Check): Muted | null {
	const found = list.find(one => one.active && fits(one.match, check));

	return found === undefined ? null : { kind: 'maintenance', until: found.ends_at, why: found.reason };
}

export function mutedBy(quiet: Quiet | null, check: Check): Muted | null {
	if (quiet === null)
		return null;
	return bySilence(quiet.silences, check) ?? byWork(quiet.maintenance, check);
}
