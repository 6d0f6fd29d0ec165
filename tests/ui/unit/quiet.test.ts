/* Which checks nobody is told of, as the daemon decides it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { fits, globFits, mutedBy } from '../../../daemon/api/ui/src/quiet';
import type { Maintenance, Silence } from '../../../daemon/api/ui/src/types';
import { aCheck } from './samples';

const silence: Silence = {
	id: '1', match: { check: ['db*'] }, state: 'active', comment: 'moving',
	starts_at: '2026-01-02T03:04:05Z', ends_at: '2026-01-02T05:04:05Z', made_at: '2026-01-02T03:04:05Z',
};
const work: Maintenance = { match: { type: ['postgres'] }, active: true, reason: 'backups' };

test('globs', () => {
	assert.ok(globFits('db*', 'db-1'));
	assert.ok(globFits('disks[/var]', 'disks[/var]'));
	assert.ok(globFits('web-[12]', 'web-2'));
	assert.ok(globFits('a?c', 'abc'));
	assert.ok(!globFits('db*', 'my-db'));
	assert.ok(!globFits('a.c', 'abc'));
	assert.ok(!globFits('[', 'x'));
});

test('a parent stands for its children', () => {
	assert.ok(fits({ check: ['disks'] }, aCheck({ name: 'disks[/var]' })));
	assert.ok(!fits({ check: ['disk'] }, aCheck({ name: 'disks[/var]' })));
});

test('labels are globs, or regular expressions after ~', () => {
	const check = aCheck({ labels: { team: 'core', tier: '1' } });

	assert.ok(fits({ labels: { team: 'c*' } }, check));
	assert.ok(fits({ labels: { team: '~core|web' } }, check));
	assert.ok(!fits({ labels: { team: 'core', tier: '2' } }, check));
	assert.ok(!fits({ labels: { city: '*' } }, check));
});

test('a silence of some rules or severities is not one of the check', () => {
	assert.ok(!fits({ check: ['api'], rule: ['http-slow'] }, aCheck()));
	assert.ok(!fits({ check: ['api'], severity: ['info'] }, aCheck()));
	assert.ok(fits({ check: ['api'], min_severity: 'info' }, aCheck()));
});

test('silences go before maintenance; what is over counts no more', () => {
	const quiet = { silences: [silence], maintenance: [work] };

	assert.equal(mutedBy(quiet, aCheck({ name: 'db-1', type: 'postgres' }))?.why, 'moving');
	assert.equal(mutedBy(quiet, aCheck({ name: 'pg', type: 'postgres' }))?.kind, 'maintenance');
	assert.equal(mutedBy(quiet, aCheck()), null);
	assert.equal(mutedBy(null, aCheck()), null);
	assert.equal(mutedBy({ silences: [{ ...silence, state: 'expired' }], maintenance: [] }, aCheck({ name: 'db-1' })), null);
});
