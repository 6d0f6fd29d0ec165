/* What a match takes in, as the daemon sees it (daemon/deliver/route.c), and how forms read it. */
import assert from 'node:assert/strict';
import test from 'node:test';

import { fitsCheckAtAll, fitsIncident, isEmpty, pairs, rows, words } from '../../../daemon/api/ui/src/match';
import type { Incident, Match } from '../../../daemon/api/ui/src/types';

const disk = { name: 'disks[/var]', type: 'disk', labels: { team: 'core' } };
const incident = {
	check: 'cache', type: 'redis', rule: 'check-down', severity: 'warning', labels: { env: 'prod' },
	cause: { code: 'net.refused', finding: 'redis-stopped.oom-killed' },
} as unknown as Incident;

test('names are globs, and the name of a check takes its children', () => {
	const fits = (match: Match): boolean => fitsCheckAtAll(match, disk);
	assert.ok(fits({ check: ['disks'] }) && fits({ check: ['d*'] }) && fits({ check: ['disks[/var]'] }));
	assert.ok(!fits({ check: ['disks[/]'] }) && !fits({ check: ['disk'] }));
	assert.ok(fits({ check: ['cache', 'disk?'] }) && fits({ type: ['disk'] }) && !fits({ check: ['*'], type: ['redis'] }));
	assert.ok(fits({ labels: { team: 'c*' } }) && fits({ labels: { team: '~core|web' } }));
	assert.ok(!fits({ labels: { team: '~cor' } }) && !fits({ labels: { other: '*' } }) && !fits({ labels: { team: '~(' } }));
	assert.ok(fits({ rule: ['anything'] }));
});

test('an incident fits when every key holds', () => {
	const fits = (match: Match): boolean => fitsIncident(match, incident);
	assert.ok(fits({}) && fits({ cause: ['net.*'] }) && fits({ cause: ['redis-stopped.*'] }));
	assert.ok(fits({ severity: ['warning', 'info'] }) && !fits({ severity: ['critical'] }));
	assert.ok(fits({ min_severity: 'warning' }) && fits({ min_severity: 'info' }) && !fits({ min_severity: 'critical' }));
	assert.ok(!fits({ check: ['cache'], rule: ['redis-*'] }) && fits({ labels: { env: 'prod' } }));
});

test('what is typed', () => {
	assert.deepEqual(words(' db*, cache  api，web、x '), ['db*', 'cache', 'api', 'web', 'x']);
	assert.deepEqual(pairs('team=core env=~prod|live'), { team: 'core', env: '~prod|live' });
	assert.deepEqual(pairs(''), {});
	assert.equal(pairs('team'), null);
	assert.equal(pairs('=x'), null);
	assert.ok(isEmpty({}) && isEmpty({ check: [], labels: {} }) && !isEmpty({ labels: { a: 'b' } }));
});

test('what is shown', () => {
	assert.deepEqual(rows({ labels: { team: 'x' }, severity: ['critical'], check: ['a', 'b'], min_severity: 'info' }),
		[['check', 'a, b'], ['severity', 'critical'], ['min_severity', 'info'], ['team', 'x']]);
});
