/* Addresses there and back; the token of `triage dashboard`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { parse, toCheck, toIncident, tokenIn } from '../../../daemon/api/ui/src/route';

test('places', () => {
	assert.deepEqual(parse(''), { view: '', arg: '' });
	assert.deepEqual(parse('#/'), { view: '', arg: '' });
	assert.deepEqual(parse('#/map'), { view: 'map', arg: '' });
	assert.deepEqual(parse('#/incidents/9d0f'), { view: 'incidents', arg: '9d0f' });
	assert.deepEqual(parse('#/incidents?state=open'), { view: 'incidents', arg: '' });
	assert.deepEqual(parse('#/checks/%'), { view: 'checks', arg: '%' });
});

test('names with anything in them', () => {
	for (const name of ['api', 'disks[/var]', 'a b%?#', '磁盘'])
		assert.deepEqual(parse(toCheck(name)), { view: 'checks', arg: name });
	assert.equal(toIncident('9d0f'), '#/incidents/9d0f');
});

test('the token', () => {
	assert.equal(tokenIn('#token=abc%2Fd'), 'abc/d');
	assert.equal(tokenIn('#/'), null);
	assert.equal(tokenIn('#/token=abc'), null);
});
