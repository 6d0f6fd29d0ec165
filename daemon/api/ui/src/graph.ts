/*
 * The map of what needs what: which checks are drawn, and where.  Pure, and the same picture for the
 * same checks: dependents on the left, what they need to their right, few crossings.
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

/* ---- where everything goes ---- */

export interface Placed {
	id: string;
	x: number;
	y: number;
	width: number;
	column: number;
}

export interface Drawn {
	width: number;
	height: number;
	places: Map<string, Placed>;
	paths: { edge: GraphEdge; points: [number, number][] }[];
}

export interface Sizes {
	node: number;   /* height of a node */
	gap: number;    /* between two of a column */
	between: number; /* columns */
	lane: number;   /* height of a line that passes a column */
	widthOf(node: GraphNode): number;
}

/* A node, or the place where a long edge passes a column. */
interface Spot {
	id: string;
	column: number;
	height: number;
	left: Spot[];
	right: Spot[];
	order: number;
	y: number;
	node: GraphNode | null;
}

/* The longest way down from each node; what would close a circle (groups can) counts as nothing. */
function depths(graph: Graph): Map<string, number> {
	const next = new Map<string, string[]>(graph.nodes.map(n => [n.id, []]));
	for (const edge of graph.edges)
		next.get(edge.from)?.push(edge.to);
	const depth = new Map<string, number>();
	const onWay = new Set<string>();
	for (const start of graph.nodes) {
		const stack = [start.id];
		while (stack.length > 0) {
			const id = stack[stack.length - 1]!;
			if (depth.has(id)) {
				stack.pop();
				continue;
			}
			onWay.add(id);
			const open = next.get(id)!.filter(to => !depth.has(to) && !onWay.has(to));
			if (open.length > 0) {
				stack.push(open[0]!);
				continue;
			}
			const below = next.get(id)!.map(to => depth.get(to) ?? -1);
			depth.set(id, 1 + Math.max(-1, ...below));
			onWay.delete(id);
			stack.pop();
		}
	}
	return depth;
}

interface Way {
	edge: GraphEdge;
	spots: Spot[];
	isBack: boolean; /* it runs from right to left: groups that need each other */
}

function link(left: Spot, right: Spot): void {
	left.right.push(right);
	right.left.push(left);
}

function makeColumns(graph: Graph, sizes: Sizes): { columns: Spot[][]; ways: Way[] } {
	const depth = depths(graph);
	const last = Math.max(0, ...depth.values());
	const columns: Spot[][] = Array.from({ length: last + 1 }, () => []);
	const spots = new Map<string, Spot>();
	const add = (id: string, column: number, node: GraphNode | null): Spot => {
		const spot: Spot = {
			id, column, node, left: [], right: [], order: 0, y: 0,
			height: node === null ? sizes.lane : sizes.node,
		};
		columns[column]!.push(spot);
		return spot;
	};
	for (const node of graph.nodes)
		spots.set(node.id, add(node.id, last - depth.get(node.id)!, node));
	const ways = graph.edges.map(edge => {
		const ends = [spots.get(edge.from)!, spots.get(edge.to)!] as const;
		const isBack = ends[0].column >= ends[1].column;
		const [a, b] = isBack ? [ends[1], ends[0]] : ends;
		const way: Way = { edge, isBack, spots: [a] };
		let at = a;
		for (let column = a.column + 1; column < b.column; column++) {
			const lane = add(`${edge.from} ${edge.to} ${column}`, column, null);
			link(at, lane);
			way.spots.push(at = lane);
		}
		if (a.column !== b.column)
			link(at, b);
		way.spots.push(b);
		return way;
	});
	return { columns, ways };
}

const SWEEPS = 8;

const middle = (of: number[]): number => {
	const sorted = [...of].sort((a, b) => a - b);
	const half = sorted.length >> 1;
	return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
};

function number(column: Spot[]): void {
	column.forEach((spot, n) => { spot.order = n; });
}

/* Each column in the order of what its spots hang on, from the left and from the right in turns. */
function untangle(columns: Spot[][]): void {
	const byName = (a: Spot, b: Spot) => (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);
	for (const column of columns)
		number(column.sort(byName));
	for (let sweep = 0; sweep < SWEEPS; sweep++) {
		const side = sweep % 2 === 0 ? 'left' : 'right';
		for (const column of side === 'left' ? columns : [...columns].reverse()) {
			const pull = new Map(column.map(spot => [spot, spot[side].length === 0
				? spot.order : spot[side].reduce((sum, o) => sum + o.order, 0) / spot[side].length]));
			column.sort((a, b) => pull.get(a)! - pull.get(b)! || a.order - b.order);
			number(column);
		}
	}
}

/*
 * As near to what was wished as the order and the gaps allow, in the sense of least squares: whoever
 * would overlap stands together as a block whose middle is where its members on average want to be.
 */
function spread(column: Spot[], wished: number[], gap: number): void {
	const blocks: { sum: number; count: number }[] = [];
	const offsets: number[] = [];
	let offset = 0;
	column.forEach((spot, n) => {
		if (n > 0)
			offset += column[n - 1]!.height / 2 + gap + spot.height / 2;
		offsets.push(offset);
		blocks.push({ sum: wished[n]! - offset, count: 1 });
		while (blocks.length > 1) {
			const [a, b] = [blocks[blocks.length - 2]!, blocks[blocks.length - 1]!];
			if (a.sum / a.count <= b.sum / b.count)
				break;
			blocks.splice(-2, 2, { sum: a.sum + b.sum, count: a.count + b.count });
		}
	});
	let n = 0;
	for (const block of blocks)
		for (const end = n + block.count; n < end; n++)
			column[n]!.y = block.sum / block.count + offsets[n]!;
}

function settle(columns: Spot[][], gap: number): void {
	for (const column of columns) {
		let y = 0;
		for (const spot of column) {
			spot.y = y + spot.height / 2;
			y += spot.height + gap;
		}
	}
	for (let sweep = 0; sweep < SWEEPS; sweep++) {
		const side = sweep % 2 === 0 ? 'right' : 'left';
		for (const column of side === 'left' ? columns : [...columns].reverse()) {
			const wished = column.map(spot => spot[side].length === 0
				? spot.y : middle(spot[side].map(o => o.y)));
			spread(column, wished, gap);
		}
	}
	const all = columns.flat();
	const top = Math.min(...all.map(spot => spot.y - spot.height / 2));
	for (const spot of all)
		spot.y = Math.round(spot.y - top);
}

export function layout(graph: Graph, sizes: Sizes): Drawn {
	if (graph.nodes.length === 0)
		return { width: 0, height: 0, places: new Map(), paths: [] };
	const { columns, ways } = makeColumns(graph, sizes);
	untangle(columns);
	settle(columns, sizes.gap);
	const widths = columns.map(column => Math.max(0, ...column.map(spot =>
		spot.node === null ? 0 : sizes.widthOf(spot.node))));
	const lefts: number[] = [];
	widths.reduce((x, width, n) => { lefts[n] = x; return x + width + sizes.between; }, 0);
	const places = new Map<string, Placed>();
	for (const spot of columns.flat())
		if (spot.node !== null)
			places.set(spot.id, {
				id: spot.id, x: lefts[spot.column]!, y: spot.y - spot.height / 2,
				width: widths[spot.column]!, column: spot.column,
			});
	const paths = ways.map(way => {
		const points: [number, number][] = [];
		way.spots.forEach((spot, n) => {
			const x = lefts[spot.column]!;
			if (n > 0)
				points.push([x, spot.y]);
			if (n < way.spots.length - 1)
				points.push([x + widths[spot.column]!, spot.y]);
		});
		return { edge: way.edge, points: way.isBack ? points.reverse() : points };
	});
	const bottom = Math.max(...columns.flat().map(spot => spot.y + spot.height / 2));
	return {
		width: lefts[lefts.length - 1]! + widths[widths.length - 1]!, height: Math.ceil(bottom),
		places, paths,
	};
}

/* A soft line through points that lie in pairs: across a gap, along a column, across the next. */
export function curve(points: [number, number][]): string {
	const [first, ...rest] = points;
	if (first === undefined)
		return '';
	let path = `M${first[0]} ${first[1]}`;
	let at = first;
	for (const to of rest) {
		const half = Math.round((at[0] + to[0]) / 2);
		path += at[1] === to[1] ? `L${to[0]} ${to[1]}`
			: `C${half} ${at[1]} ${half} ${to[1]} ${to[0]} ${to[1]}`;
		at = to;
	}
	return path;
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
