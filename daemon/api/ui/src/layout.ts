/*
 * Where everything of the map goes: columns by what needs what, few crossings, lines that run around
 * what stands between.  Pure, and the same picture for the same checks.
 */
import type { Graph, GraphEdge, GraphNode } from './graph';

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
