/* Which checks the map draws, and where. */
import assert from 'node:assert/strict';
import test from 'node:test';

import { branches, graphOf, needsOf, rolesOf, worst, type Choice, type Member, type Told } from '../../../daemon/api/ui/src/graph';
import { curve, layout, type Sizes } from '../../../daemon/api/ui/src/layout';

const sizes: Sizes = { node: 40, gap: 10, between: 60, lane: 10, widthOf: () => 100 };
const choice = (more: Partial<Choice> = {}): Choice =>
	({ isWhole: false, unfolded: new Set<string>(), foldAbove: 60, ...more });

function member(name: string, needs: string[] = [], more: Partial<Member> = {}): Member {
	return { name, needs, state: 'up', group: '', type: 'tcp', ...more };
}

const told = (check: string, impact: string[] = [], severity = 'critical'): Told =>
	({ check, severity, impact: impact.map(name => ({ check: name })) });

const chain = (): Member[] => [
	member('web', ['api']), member('api', ['db', 'cache']), member('db'), member('cache'), member('lone')];

test('a check of several targets needs its children, which need nothing twice', () => {
	const needs = needsOf([member('api', ['disks', 'gone', 'api']), member('disks', ['db']),
		member('disks[/]', ['db']), member('disks[/var]', ['db']), member('db')]);
	assert.deepEqual(needs.get('api'), ['disks']);
	assert.deepEqual(needs.get('disks'), ['db', 'disks[/]', 'disks[/var]']);
	assert.deepEqual(needs.get('disks[/]'), []);
});

test('who stands alone and is well is not drawn', () => {
	const ids = (graph: ReturnType<typeof graphOf>): string[] => graph.nodes.map(one => one.id).sort();
	assert.deepEqual(ids(graphOf(chain(), [], choice())), ['api', 'cache', 'db', 'web']);
	assert.equal(graphOf(chain(), [], choice()).left, 1);
	assert.ok(ids(graphOf(chain(), [], choice({ isWhole: true }))).includes('lone'));
	assert.ok(ids(graphOf(chain(), [told('lone')], choice())).includes('lone'));
	const down = chain().map(m => (m.name === 'lone' ? { ...m, state: 'down' } : m));
	assert.ok(ids(graphOf(down, [], choice())).includes('lone'));
});

test('trouble goes along the edges between root and impact', () => {
	const graph = graphOf(chain(), [told('cache', ['api', 'web'])], choice());
	const hot = graph.edges.filter(edge => edge.isHot).map(edge => `${edge.from}>${edge.to}`).sort();
	assert.deepEqual(hot, ['api>cache', 'web>api']);
	assert.equal(graph.nodes.find(one => one.id === 'cache')?.part, 'root');
	assert.equal(graph.nodes.find(one => one.id === 'web')?.part, 'impact');
});

test('a root has the severity of its worst incident', () => {
	const roles = rolesOf([told('db', ['api'], 'warning'), told('api', [], 'info'), told('db', [], 'critical')]);
	assert.deepEqual(roles.get('db'), { part: 'root', severity: 'critical' });
	assert.deepEqual(roles.get('api'), { part: 'root', severity: 'info' });
	assert.equal(worst(['up', 'suspect', 'down']), 'down');
});

test('what needs stands left of what it needs, and none overlap', () => {
	const drawn = layout(graphOf(chain(), [], choice()), sizes);
	const at = (name: string) => drawn.places.get(name)!;
	assert.ok(at('web').x < at('api').x && at('api').x < at('db').x);
	assert.equal(at('db').x, at('cache').x);
	assert.ok(Math.abs(at('db').y - at('cache').y) >= sizes.node + sizes.gap);
	assert.equal(at('api').y, (at('db').y + at('cache').y) / 2);
	assert.ok(drawn.width >= at('db').x + 100 && drawn.height >= at('db').y + sizes.node);
});

test('the same checks in another order make the same picture', () => {
	const places = (members: Member[]) => [...layout(graphOf(members, [], choice()), sizes).places.values()]
		.sort((a, b) => (a.id < b.id ? -1 : 1));
	assert.deepEqual(places(chain()), places(chain().reverse()));
});

test('a long edge goes around what stands between', () => {
	const drawn = layout(graphOf([...chain(), member('cron', ['web', 'db'])], [], choice()), sizes);
	const long = drawn.paths.find(path => path.edge.from === 'cron' && path.edge.to === 'db')!;
	assert.equal(long.points.length, 6);
	for (let n = 1; n < long.points.length; n++)
		assert.ok(long.points[n]![0] >= long.points[n - 1]![0]);
	for (const place of drawn.places.values()) {
		const inside = long.points.slice(1, -1).some(([x, y]) =>
			x > place.x && x < place.x + place.width && y > place.y && y < place.y + sizes.node);
		assert.ok(!inside, `through ${place.id}`);
	}
	assert.match(curve(long.points), /^M\d/);
});

function fleet(): Member[] {
	const all: Member[] = [];
	for (const group of ['shop', 'mail']) {
		all.push(member(`${group}-db`, [], { group }), member(`${group}-cache`, [], { group }));
		for (let n = 0; n < 500; n++)
			all.push(member(`${group}-${n}`, [`${group}-db`, ...(n % 2 === 0 ? [`${group}-cache`] : [])], { group }));
	}
	all[3]!.needs.push('mail-7');
	all[510]!.needs.push('shop-8');
	return all;
}

test('of many checks the quiet ones are one node for each group', () => {
	const graph = graphOf(fleet(), [told('shop-cache', ['shop-0'])], choice());
	assert.deepEqual(graph.nodes.map(one => one.id).sort(), ['group:mail', 'group:shop', 'shop-0', 'shop-cache']);
	assert.equal(graph.nodes.find(one => one.id === 'group:mail')?.members.length, 502);
});

test('unfolded, what needs the same is one node', () => {
	const graph = graphOf(fleet(), [], choice({ unfolded: new Set(['shop']) }));
	const bundles = graph.nodes.filter(one => one.isGroup && one.id !== 'group:mail');
	assert.deepEqual(bundles.map(one => one.members.length).sort((a, b) => a - b), [249, 250]);
	const apart = graphOf(fleet(), [], choice({ unfolded: new Set(['shop', bundles[0]!.id.replace('group:', '')]) }));
	assert.ok(apart.nodes.length > 240);
});

test('groups that need each other, and a thousand checks, are laid out at once', () => {
	const folded = graphOf(fleet(), [], choice());
	assert.equal(folded.edges.length, 2);
	assert.equal(layout(folded, sizes).paths.length, 2);
	const before = Date.now();
	const whole = graphOf(fleet(), [], choice({ foldAbove: 5000 }));
	const drawn = layout(whole, sizes);
	assert.equal(drawn.places.size, whole.nodes.length);
	assert.ok(Date.now() - before < 5000);
	for (const place of drawn.places.values())
		assert.ok(Number.isFinite(place.x) && Number.isFinite(place.y));
});

test('nothing to draw is nothing', () => {
	assert.deepEqual(layout(graphOf([], [], choice()), sizes).places.size, 0);
	assert.equal(curve([]), '');
});

test('as a list, from what nobody needs down; needs are written once', () => {
	const trees = branches([...chain(), member('cron', ['api'])]);
	assert.deepEqual(trees.map(one => one.member.name), ['web', 'cron']);
	assert.deepEqual(trees[0]!.below[0]!.below.map(one => one.member.name), ['db', 'cache']);
	assert.ok(trees[1]!.below[0]!.isAgain);
	assert.deepEqual(trees[1]!.below[0]!.below, []);
	assert.deepEqual(trees[1]!.below[0]!.needs, ['db', 'cache']);
});
