/* The one sentence in the header. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { overall } from '../../../daemon/api/ui/src/overall';
import { aCheck, anIncident } from './samples';

test('the worst that nobody is at says how it stands', () => {
	const acked = anIncident({ id: 'b', status: 'acknowledged' });
	const warning = anIncident({ id: 'c', severity: 'warning' });
	const of = (checks: Parameters<typeof overall>[0], incidents: Parameters<typeof overall>[1]) => {
		const { sign, text, open } = overall(checks, incidents, true);
		return [sign, text, open];
	};

	assert.deepEqual(of([aCheck()], [anIncident(), warning]), ['critical', '1 thing is broken', 2]);
	assert.deepEqual(of([aCheck()], [warning, acked]), ['warning', '1 warning', 1]);
	assert.deepEqual(of([aCheck()], [acked]), ['acknowledged', '1 incident, acknowledged', 0]);
	assert.deepEqual(of([aCheck(), aCheck()], []), ['up', 'All 2 checks are fine', 0]);
	assert.deepEqual(of([], []), ['waiting', 'Nothing is watched yet', 0]);
});

test('fine is only what all checks are', () => {
	const sign = (...checks: ReturnType<typeof aCheck>[]) => overall([aCheck(), ...checks], [], true).sign;

	assert.equal(sign(aCheck()), 'up');
	assert.equal(sign(aCheck({ state: 'unknown', last: null })), 'waiting');
	assert.equal(sign(aCheck({ state: 'unknown' })), 'unknown');
	assert.equal(sign(aCheck({ state: 'starting' })), 'starting');
	assert.equal(sign(aCheck({ state: 'suspect' }), aCheck({ state: 'unknown' })), 'suspect');
	assert.equal(sign(aCheck({ state: 'down' }), aCheck({ state: 'suspect' })), 'critical');
});

test('what has not been read is not fine', () => {
	assert.equal(overall([], [], false).sign, 'unknown');
});
