/* The filter's language, the orders, the groups. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { arrange, countStates, parseFilter, type Sort } from '../../../daemon/api/ui/src/order';
import { aCheck } from './samples';

const checks = [
	aCheck({ name: 'db-10', type: 'postgres', group: 'data' }),
	aCheck({ name: 'api', labels: { team: 'core' }, state: 'suspect', group: 'web' }),
	aCheck({ name: 'db-2', type: 'postgres', group: 'data', state: 'down', cause: 'net.refused' }),
	aCheck({ name: 'loose', state: 'unknown', last: null }),
];

function names(filter: string, sort: Sort = 'configured'): string {
	return arrange(checks, sort, parseFilter(filter)).flatMap(group => group.checks.map(one => one.name)).join(' ');
}

test('all words of the filter must fit', () => {
	assert.equal(names(''), 'db-10 db-2 api loose');
	assert.equal(names('db'), 'db-10 db-2');
	assert.equal(names('DB down'), 'db-2');
	assert.equal(names('type:postgres -state:down'), 'db-10');
	assert.equal(names('label:team=core'), 'api');
	assert.equal(names('cause:net.'), 'db-2');
	assert.equal(names('state:waiting'), 'loose');
	assert.equal(names('http://127'), 'db-10 db-2 api loose');
	assert.equal(names('-'), 'db-10 db-2 api loose');
	assert.equal(names('nothing-like-it'), '');
});

test('groups come as they were first named, the rest last', () => {
	const groups = arrange(checks, 'configured', () => true);

	assert.deepEqual(groups.map(group => [group.name, group.bad]), [['data', 1], ['web', 1], ['', 0]]);
});

test('orders', () => {
	assert.equal(names('', 'worst'), 'db-2 db-10 api loose');
	assert.equal(names('', 'name'), 'db-2 db-10 api loose');
});

test('what is dragged down comes behind what drags it', () => {
	const down = ['web', 'api', 'cache'].map(name => aCheck({ name, state: 'down' }));
	const groups = arrange([...down, aCheck({ name: 'fine' })], 'worst', () => true, new Map([['web', 'cache'], ['api', 'cache']]));

	assert.deepEqual(groups[0]!.checks.map(one => one.name), ['cache', 'web', 'api', 'fine']);
});

test('states are counted, the worst first', () => {
	assert.deepEqual([...countStates(checks)], [['down', 1], ['suspect', 1], ['waiting', 1], ['up', 1]]);
});
