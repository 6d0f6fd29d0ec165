/* Which checks are shown, in which groups and order.  Pure. */
import { stateName } from './state';
import type { Check } from './types';

export const sorts = ['worst', 'configured', 'name', 'type', 'slowest'] as const;
export type Sort = typeof sorts[number];

const ranks: Record<string, number> = { down: 0, suspect: 1, unknown: 2, starting: 3, waiting: 4, up: 5 };

/* What a word of the filter may look at by name: "state:down -type:http label:team=core". */
const fields: Record<string, (check: Check) => string> = {
	name: check => check.name,
	type: check => check.type,
	group: check => check.group,
	state: check => stateName(check),
	cause: check => check.cause ?? '',
	target: check => check.target,
	label: check => labels(check),
};

function labels(check: Check): string {
	return Object.entries(check.labels).map(([name, value]) => `${name}=${value}`).join(' ');
}

function everything(check: Check): string {
	return [check.name, check.type, check.group, stateName(check), check.cause ?? '', check.target,
		check.description, labels(check), check.last?.text ?? ''].join(' ');
}

/* All words must be found; one with `-` before it must not be. */
export function parseFilter(text: string): (check: Check) => boolean {
	const words = text.toLowerCase().split(/\s+/).filter(word => word !== '' && word !== '-');
	const tests = words.map(word => {
		const isNot = word.startsWith('-');
		const bare = isNot ? word.slice(1) : word;
		const colon = bare.indexOf(':');
		const field = colon > 0 ? fields[bare.slice(0, colon)] : undefined;
		const wanted = field === undefined ? bare : bare.slice(colon + 1);
		const look = field ?? everything;

		return (check: Check) => look(check).toLowerCase().includes(wanted) !== isNot;
	});

	return check => tests.every(test => test(check));
}

function rank(check: Check): number {
	return ranks[stateName(check)] ?? 2;
}

function slowness(check: Check): number {
	return check.last?.values.total_time ?? check.last?.duration ?? -1;
}

const compare: Record<Exclude<Sort, 'worst'>, (a: Check, b: Check) => number> = {
	configured: () => 0,
	name: (a, b) => a.name.localeCompare(b.name, undefined, { numeric: true }),
	type: (a, b) => a.type.localeCompare(b.type),
	slowest: (a, b) => slowness(b) - slowness(a),
};

export interface Group {
	name: string; /* "": those without one */
	checks: Check[];
	bad: number; /* down or failing */
}

/* What is dragged down comes behind what drags it. */
function byWorst(follows: ReadonlyMap<string, string>): (a: Check, b: Check) => number {
	const weight = (check: Check) => rank(check) + (follows.has(check.name) ? 0.5 : 0);

	return (a, b) => weight(a) - weight(b);
}

/*
 * Groups in the order in which the configuration first names them; those without one at the end.
 * `follows`: by name, the check that drags this one down.
 */
export function arrange(checks: Iterable<Check>, sort: Sort, fitsFilter: (check: Check) => boolean,
	follows: ReadonlyMap<string, string> = new Map()): Group[] {
	const before = sort === 'worst' ? byWorst(follows) : compare[sort];
	const groups = new Map<string, Group>();

	for (const check of checks) {
		if (!fitsFilter(check))
			continue;
		const group = groups.get(check.group) ?? { name: check.group, checks: [], bad: 0 };
		group.checks.push(check);
		if (check.state === 'down' || check.state === 'suspect')
			group.bad++;
		groups.set(check.group, group);
	}
	for (const group of groups.values())
		group.checks.sort(before);
	return [...groups.values()].sort((a, b) => Number(a.name === '') - Number(b.name === ''));
}

export function countStates(checks: Iterable<Check>): Map<string, number> {
	const counts = new Map<string, number>();

	for (const check of checks) {
		const name = stateName(check);
		counts.set(name, (counts.get(name) ?? 0) + 1);
	}
	return new Map([...counts].sort((a, b) => (ranks[a[0]] ?? 2) - (ranks[b[0]] ?? 2)));
}
