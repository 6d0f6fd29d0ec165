/*
 * The view `map`: what needs what, with the root of each open incident and what it drags down.  A
 * drawing where there is room, a nested list where there is not or where one is preferred.
 */
import { h, replace, svg, type Child } from '../dom';
import { branches, graphOf, rolesOf, worst, type Branch, type Choice, type Graph, type GraphNode,
	type Member, type Part, type Role } from '../graph';
import { curve, layout, type Drawn } from '../layout';
import { live } from '../live';
import { badge } from '../parts/badge';
import { icon } from '../parts/icon';
import { coded } from '../parts/within';
import { toCheck } from '../route';
import { recall, remember } from '../settings';
import { stateName } from '../state';
import { t, word } from '../words';

const FOLD_ABOVE = 60;
const AS_KEY = 'triaged.map';
const NEEDS_NAMED = 8;
const SCALE_MOST = 1.5;
const PAPER_EDGE = 40;
const node = { height: 44, gap: 12, between: 64, lane: 10, least: 128, most: 228 };

type Way = 'drawing' | 'list';

function membersOf(): Member[] {
	return [...live.checks.values()].map(check => ({
		name: check.name, state: check.state, group: check.group, type: check.type,
		needs: check.needs ?? [],
	}));
}

/* About as wide as the words are: CJK signs are twice as wide as Latin ones. */
function wide(words: string): number {
	let cells = 0;
	for (const sign of words)
		cells += sign > '\u2e7f' ? 2 : 1;
	return cells;
}

function titleOf(one: GraphNode): string {
	const [name = '', first] = one.id.replace(/^group:/, '').split('/');
	return !one.isGroup ? one.id : first === undefined
		? t('map.group', { name, n: one.members.length })
		: t('map.alike', { name: first, n: one.members.length });
}

/* A check that answers, of which a rule says that something is wrong, is not just "ok". */
const isWarned = (one: GraphNode): boolean => one.state === 'up' && one.severity !== '';

function signOf(one: GraphNode): string {
	const check = one.isGroup ? undefined : live.checks.get(one.id);
	return isWarned(one) ? one.severity : check === undefined ? one.state : stateName(check);
}

/* "down", "warning", of a group "down 3/20" */
function wordsOf(one: GraphNode): string {
	const bad = one.members.filter(m => m.state !== 'up').length;
	const state = word(isWarned(one) ? 'severity' : 'state', signOf(one));
	return one.isGroup && bad > 0 ? `${state} ${bad}/${one.members.length}` : state;
}

function namesOf(names: string[]): string {
	const shown = names.slice(0, NEEDS_NAMED).join(t('list.comma'));
	return names.length > NEEDS_NAMED
		? t('map.more-needs', { names: shown, n: names.length - NEEDS_NAMED }) : shown;
}

/* For the ear: what the lines say to the eye. */
function needsWords(one: GraphNode, graph: Graph): string {
	const needs = graph.edges.filter(edge => edge.from === one.id).map(edge => edge.to.replace(/^group:/, ''));
	return needs.length === 0 ? '' : `${t('list.comma')}${t('map.needs', { names: namesOf(needs) })}`;
}

function partTag(part: Part, severity: string): Child {
	return part !== '' && h('span', { class: `mark is-${part} is-${severity}` }, t(`map.${part}`));
}

interface Canvas {
	el: HTMLElement;
	draw(graph: Graph, onGroup: (name: string) => void): void;
}

function boxOf(one: GraphNode, graph: Graph, drawn: Drawn, onGroup: (name: string) => void): HTMLElement {
	const place = drawn.places.get(one.id)!;
	const inside = [
		h('span', { class: 'node-name' }, titleOf(one)), ' ',
		h('span', { class: 'node-state' },
			icon(signOf(one)), h('span', null, wordsOf(one)), ' ', partTag(one.part, one.severity)),
		h('span', { class: 'unseen' }, needsWords(one, graph)),
	];
	const props = {
		class: `node is-${one.state} ${one.part === '' ? '' : `is-${one.part} is-${one.severity}`} ${one.isGroup ? 'is-group' : ''}`,
		title: titleOf(one), 'data-node': one.id,
	};
	return h('li', { style: {
		left: `${place.x}px`, top: `${place.y}px`, width: `${place.width}px`, height: `${node.height}px`,
	} }, one.isGroup
		? h('button', { ...props, type: 'button', 'aria-expanded': 'false',
			onclick: () => onGroup(one.id.replace(/^group:/, '')) }, inside)
		: h('a', { ...props, href: toCheck(one.id) }, inside));
}

/* Few checks are drawn larger, where there is room. */
function scaleOf(el: HTMLElement, drawn: Drawn): number {
	const room = Math.min((el.clientWidth - PAPER_EDGE) / drawn.width, window.innerHeight * 0.5 / drawn.height);
	return Math.max(1, Math.min(SCALE_MOST, room));
}

function canvas(): Canvas {
	const el = h('div', { class: 'map-scroll', tabindex: 0, role: 'group', 'aria-label': t('map.title') });
	return {
		el,
		draw(graph, onGroup) {
			const drawn = layout(graph, {
				node: node.height, gap: node.gap, between: node.between, lane: node.lane,
				widthOf: one => Math.min(node.most, Math.max(node.least,
					Math.max(wide(titleOf(one)) * 7.8 + (one.isGroup ? 34 : 24),
						wide(wordsOf(one)) * 6.8 + 44 + (one.part === '' ? 0 : wide(t(`map.${one.part}`)) * 6.6 + 18)))),
			});
			const order = [...graph.nodes].sort((a, b) => {
				const [p, q] = [drawn.places.get(a.id)!, drawn.places.get(b.id)!];
				return p.column - q.column || p.y - q.y;
			});
			const scale = scaleOf(el, drawn);
			replace(el, h('div', { class: 'map-paper', style: {
				width: `${drawn.width * scale}px`, height: `${drawn.height * scale}px`,
			} }, h('div', { class: 'map-canvas', style: {
				width: `${drawn.width}px`, height: `${drawn.height}px`, transform: `scale(${scale})`,
			} },
			svg('svg', { class: 'map-edges', width: drawn.width, height: drawn.height, 'aria-hidden': 'true', focusable: 'false' },
				[...drawn.paths].sort((a, b) => Number(a.edge.isHot) - Number(b.edge.isHot)).map(path =>
					svg('path', { class: path.edge.isHot ? 'edge is-hot' : 'edge', d: curve(path.points) }))),
			h('ul', { class: 'map-nodes' }, order.map(one => boxOf(one, graph, drawn, onGroup))))));
		},
	};
}

/* ---- the list ---- */

function itemOf(branch: Branch, roles: Map<string, Role>): HTMLElement {
	const check = live.checks.get(branch.member.name);
	const role = roles.get(branch.member.name) ?? { part: '', severity: '' };
	const isWarned = branch.member.state === 'up' && role.severity !== '';
	return h('li', null,
		h('p', { class: 'tree-line' },
			isWarned ? badge('severity', role.severity)
				: badge('state', check === undefined ? branch.member.state : stateName(check)), ' ',
			h('a', { href: toCheck(branch.member.name), 'data-node': branch.member.name }, branch.member.name), ' ',
			partTag(role.part, role.severity), ' ',
			branch.needs.length > 0 && h('span', { class: 'dim' },
				t('map.needs', { names: namesOf(branch.needs) }), branch.isAgain && ` (${t('map.again')})`)),
		branch.below.length > 0 && h('ul', null, branch.below.map(one => itemOf(one, roles))));
}

/* Many: a group at a time, made when it is opened. */
function groupItem(name: string, trees: Branch[], roles: Map<string, Role>): HTMLElement {
	const members = new Set<Member>();
	const take = (branch: Branch): void => {
		members.add(branch.member);
		branch.below.forEach(take);
	};
	trees.forEach(take);
	const bad = [...members].filter(m => m.state !== 'up' || roles.has(m.name)).length;
	const inside = h('ul', null);
	const build = (): void => {
		if (inside.childElementCount === 0)
			replace(inside, trees.map(one => itemOf(one, roles)));
		if (fold.open)
			openGroups.add(name);
		else
			openGroups.delete(name);
	};
	const fold = h('details', { ontoggle: build, 'data-node': name },
		h('summary', null, icon(bad > 0 ? worst([...members].map(m => m.state)) : 'up'), ' ',
			t('map.group', { name, n: trees.length }),
			bad > 0 && h('span', { class: 'dim' }, ` · ${t('map.bad', { n: bad })}`)),
		inside);
	fold.open = openGroups.has(name);
	return fold;
}

const openGroups = new Set<string>();

function treesOf(trees: Branch[], roles: Map<string, Role>): Child {
	if (trees.length <= FOLD_ABOVE)
		return h('ul', null, trees.map(one => itemOf(one, roles)));
	const groups = new Map<string, Branch[]>();
	for (const one of trees) {
		const name = one.member.group || one.member.type;
		groups.set(name, [...groups.get(name) ?? [], one]);
	}
	return [...groups].map(([name, all]) => groupItem(name, all, roles));
}

function listOf(members: Member[], roles: Map<string, Role>, isWhole: boolean): HTMLElement {
	const trees = branches(members);
	const told = new Set<string>();
	const tell = (branch: Branch): void => {
		told.add(branch.member.name);
		branch.below.forEach(tell);
	};
	trees.forEach(tell);
	const alone = members.filter(m => !told.has(m.name) && (isWhole || m.state !== 'up' || roles.has(m.name)));
	return h('div', { class: 'tree card' }, treesOf(trees, roles),
		alone.length > 0 && [
			h('h2', null, t('map.alone')),
			treesOf(alone.map(m => ({ member: m, needs: [], below: [], isAgain: false })), roles),
		]);
}

/* ---- the view ---- */

/* What is drawn anew has the focus where it was: on the same check. */
function keepFocus(el: HTMLElement, draw: () => void): void {
	const active = document.activeElement;
	const name = active instanceof HTMLElement && el.contains(active) ? active.dataset.node : undefined;
	draw();
	if (name !== undefined)
		el.querySelector<HTMLElement>(`[data-node="${CSS.escape(name)}"]`)?.focus({ preventScroll: true });
}

function legend(): HTMLElement {
	return h('ul', { class: 'map-legend', 'aria-label': t('map.legend') },
		h('li', null, h('span', { class: 'map-swatch is-root' }), t('map.root')),
		h('li', null, h('span', { class: 'map-swatch is-impact' }), t('map.impact')),
		h('li', null, h('span', { class: 'map-swatch is-hot' }), t('map.hot')));
}

function wayOf(): Way {
	const kept = recall(AS_KEY);
	return kept === 'drawing' || kept === 'list' ? kept
		: window.matchMedia('(max-width: 700px)').matches ? 'list' : 'drawing';
}

export function view(root: HTMLElement, _arg: string): () => void {
	const choose: Choice = { isWhole: false, unfolded: new Set(), foldAbove: FOLD_ABOVE };
	const body = h('div', { class: 'map-body' });
	const left = h('p', { class: 'hint' });
	const paper = canvas();
	const refold = h('button', { type: 'button', class: 'quiet', hidden: true, onclick: () => {
		choose.unfolded.clear();
		openGroups.clear();
		draw(true);
	} }, t('map.fold-all'));
	let way = wayOf(), shown = '', mode = '';

	const switches = (['drawing', 'list'] as const).map(one => h('button', {
		type: 'button', 'aria-pressed': String(one === way), onclick: () => {
			way = one;
			remember(AS_KEY, one);
			switches.forEach((button, n) => button.setAttribute('aria-pressed', String((n === 0) === (one === 'drawing'))));
			draw(true);
		},
	}, t(`map.${one}`)));
	const whole = h('input', { type: 'checkbox', id: 'map-whole', onchange: () => {
		choose.isWhole = whole.checked;
		draw(true);
	} });

	const draw = (isForced: boolean): void => {
		const members = membersOf();
		const incidents = [...live.incidents.values()];
		const graph = graphOf(members, incidents, choose);
		const key = JSON.stringify([way, graph.left, graph.edges, graph.nodes.map(n => [n.id, wordsOf(n), n.part])]);
		if (key === shown && !isForced)
			return;
		shown = key;
		left.textContent = graph.left > 0 && !choose.isWhole ? t('map.left', { n: graph.left }) : '';
		refold.hidden = choose.unfolded.size === 0 || way === 'list';
		const kind = graph.nodes.length === 0 ? 'none' : way;
		if (kind === 'none')
			replace(body, h('div', { class: 'empty card' }, h('p', null, t('map.none')), h('p', null, coded(t('map.none-how')))));
		else if (kind === 'list')
			keepFocus(body, () => replace(body, listOf(members, rolesOf(incidents), choose.isWhole)));
		else {
			if (mode !== kind)
				replace(body, h('div', { class: 'card flush' }, paper.el), legend(), h('p', { class: 'hint' }, t('map.about')));
			keepFocus(paper.el, () => paper.draw(graph, name => {
				choose.unfolded.add(name);
				draw(true);
			}));
		}
		mode = kind;
	};

	replace(root,
		h('div', { class: 'page-head' },
			h('h1', { tabindex: -1 }, t('map.title')),
			h('div', { class: 'map-tools' }, refold,
				h('span', { class: 'check-line' }, whole, h('label', { for: 'map-whole' }, t('map.whole'))),
				h('div', { class: 'switch', role: 'group', 'aria-label': t('map.as') }, switches))),
		body, left);
	draw(true);
	const onResize = (): void => draw(true);
	window.addEventListener('resize', onResize);
	const off = live.on(change => {
		if (change.all || change.checks.size > 0 || change.incidents.size > 0)
			draw(false);
	});
	return () => {
		window.removeEventListener('resize', onResize);
		off();
	};
}

