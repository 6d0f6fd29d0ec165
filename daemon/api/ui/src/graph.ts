/*
 * The map of what needs what: which checks are drawn, alone or together, and which lines between them
 * are hot; and the same as a list.  Pure.
 */
export interface Member {
	name: string;
	state: string;
	group: string;
	type: string;
	needs: string[];
}

export type Part = 'root' | 'impact' | '';

export interface GraphNode {
	id: string;
	/* One check, or all the quiet ones of a group. */
	members: Member[];
	isGroup: boolean;
	state: string;
	part: Part;
	severity: string; /* of the worst incident that it is the root of; "": of none */
}

export interface GraphEdge {
	from: string; /* needs */
	to: string;
	isHot: boolean; /* trouble went along it */
}

export interface Graph {
	nodes: GraphNode[];
	edges: GraphEdge[];
	left: number; /* checks that stand alone and are well: not drawn */
}

export interface Told {
	check: string;
	severity: string;
	impact: { check: string }[];
}

export interface Choice {
	isWhole: boolean;       /* those that stand alone too */
	unfolded: Set<string>;  /* groups */
	foldAbove: number;      /* checks drawn one by one, at most */
}

/* Worst first: a group wears the state of its worst member. */
const badness = ['down', 'suspect', 'starting', 'unknown', 'up'];

export function worst(states: string[]): string {
	for (const state of badness)
		if (states.includes(state))
			return state;
	return states[0] ?? 'unknown';
}

export const parentOf = (name: string): string | null => {
	const at = name.indexOf('[');
	return at > 0 && name.endsWith(']') ? name.slice(0, at) : null;
};

/* Written needs, and of a check with several targets its children; only those that exist. */
export function needsOf(members: Member[]): Map<string, string[]> {
	const needs = new Map<string, string[]>(members.map(m => [m.name, []]));
	for (const m of members) {
		const parent = parentOf(m.name);
		if (parent !== null && needs.has(parent))
			needs.get(parent)?.push(m.name);
		/* What the parent of several targets needs is drawn once, at the parent. */
		else
			needs.get(m.name)?.push(...m.needs.filter(name => needs.has(name)));
	}
	for (const [name, all] of needs)
		needs.set(name, [...new Set(all)].filter(other => other !== name));
	return needs;
}

export interface Role {
	part: Part;
	severity: string;
}

const levels = ['', 'info', 'warning', 'critical'];
const higher = (a: string, b: string): string => (levels.indexOf(b) > levels.indexOf(a) ? b : a);

export function rolesOf(incidents: Told[]): Map<string, Role> {
	const roles = new Map<string, Role>();
	for (const incident of incidents)
		for (const one of incident.impact)
			roles.set(one.check, { part: 'impact', severity: '' });
	for (const { check, severity } of incidents)
		roles.set(check, { part: 'root', severity: higher(roles.get(check)?.severity ?? '', severity) });
	return roles;
}

const groupOf = (m: Member): string => m.group || m.type;
const OPEN_MOST = 30;    /* of one group, each alone; in larger ones those that are alike stand together */
const BUNDLE_ABOVE = 2;
const FOLD_TROUBLE_ABOVE = 12; /* of one group: more than that says the same again and again */

interface Folding {
	nodes: GraphNode[];
	nodeOf: Map<string, string>;
}

function nodeOf(id: string, members: Member[], isGroup: boolean, roles: Map<string, Role>): GraphNode {
	const all = members.flatMap(m => roles.get(m.name) ?? []);
	return {
		id, members, isGroup,
		state: worst(members.map(m => m.state)),
		part: all.some(one => one.part === 'root') ? 'root' : all.length > 0 ? 'impact' : '',
		severity: all.reduce((most, one) => higher(most, one.severity), ''),
	};
}

/* What need the same and fare the same say the same: of a large group they are one node. */
function bundles(members: Member[], roles: Map<string, Role>, needs: Map<string, string[]>): Member[][] {
	const all = new Map<string, Member[]>();
	for (const m of members) {
		const key = JSON.stringify([needs.get(m.name), m.state, roles.get(m.name)]);
		all.set(key, [...all.get(key) ?? [], m]);
	}
	return [...all.values()];
}

/* Many checks: the quiet ones of a group become one node; unfolded, those that are alike do. */
function fold(drawn: Member[], roles: Map<string, Role>, needs: Map<string, string[]>, choice: Choice): Folding {
	const folding: Folding = { nodes: [], nodeOf: new Map() };
	const groups = new Map<string, Member[]>();
	for (const m of drawn)
		groups.set(groupOf(m), [...(groups.get(groupOf(m)) ?? []), m]);
	const put = (id: string, members: Member[], isGroup: boolean) => {
		folding.nodes.push(nodeOf(id, members, isGroup, roles));
		for (const m of members)
			folding.nodeOf.set(m.name, id);
	};
	const putAlike = (id: string, members: Member[]) => {
		const isApart = members.length <= BUNDLE_ABOVE || choice.unfolded.has(id);
		for (const m of isApart ? members : [])
			put(m.name, [m], false);
		if (!isApart)
			put(`group:${id}`, members, true);
	};
	for (const [group, members] of groups) {
		const isOpen = drawn.length <= choice.foldAbove || choice.unfolded.has(group);
		if (isOpen) {
			const alike = members.length <= OPEN_MOST ? members.map(m => [m]) : bundles(members, roles, needs);
			alike.forEach(all => putAlike(`${group}/${all[0]!.name}`, all));
			continue;
		}
		const isBad = (m: Member) => m.state !== 'up' || roles.has(m.name);
		const manyBad = members.filter(isBad).length > FOLD_TROUBLE_ABOVE;
		const alone = members.filter(m => roles.get(m.name)?.part === 'root' || (isBad(m) && !manyBad));
		const together = members.filter(m => !alone.includes(m));
		for (const m of together.length === 1 ? members : alone)
			put(m.name, [m], false);
		if (together.length > 1)
			put(`group:${group}`, together, true);
	}
	return folding;
}

export function graphOf(members: Member[], incidents: Told[], choice: Choice): Graph {
	const needs = needsOf(members);
	const roles = rolesOf(incidents);
	const needed = new Set([...needs.values()].flat());
	const drawn = members.filter(m => choice.isWhole || needed.has(m.name) ||
		(needs.get(m.name)?.length ?? 0) > 0 || m.state !== 'up' || roles.has(m.name));
	const { nodes, nodeOf: place } = fold(drawn, roles, needs, choice);
	const edges = new Map<string, GraphEdge>();
	for (const m of drawn) {
		for (const other of needs.get(m.name) ?? []) {
			const from = place.get(m.name), to = place.get(other);
			if (from === undefined || to === undefined || from === to)
				continue;
			const isHot = roles.has(m.name) && roles.has(other);
			const key = JSON.stringify([from, to]);
			edges.set(key, { from, to, isHot: isHot || edges.get(key)?.isHot === true });
		}
	}
	return { nodes, edges: [...edges.values()], left: members.length - drawn.length };
}

/* ---- the same as a list ---- */

export interface Branch {
	member: Member;
	needs: string[];
	below: Branch[];
	isAgain: boolean; /* its needs stand above already */
}

/* From what nobody needs down; each check's own needs are written once. */
export function branches(members: Member[]): Branch[] {
	const needs = needsOf(members);
	const byName = new Map(members.map(m => [m.name, m]));
	const needed = new Set([...needs.values()].flat());
	const seen = new Set<string>();
	const grow = (name: string, above: Set<string>): Branch => {
		const own = needs.get(name) ?? [];
		const isAgain = seen.has(name) && own.length > 0;
		seen.add(name);
		const below = isAgain ? [] : own.filter(other => !above.has(other))
			.map(other => grow(other, new Set([...above, name])));
		return { member: byName.get(name)!, needs: own, below, isAgain };
	};
	return members.filter(m => !needed.has(m.name) && (needs.get(m.name)?.length ?? 0) > 0)
		.map(m => grow(m.name, new Set()));
}
