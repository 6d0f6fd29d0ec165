/* Both languages say the same things. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { fill, setLanguage, t, table, word } from '../../../daemon/api/ui/src/words';
import * as check from '../../../daemon/api/ui/src/words/check';
import * as incident from '../../../daemon/api/ui/src/words/incident';
import * as map from '../../../daemon/api/ui/src/words/map';
import * as now from '../../../daemon/api/ui/src/words/now';
import * as receivers from '../../../daemon/api/ui/src/words/receivers';
import * as shell from '../../../daemon/api/ui/src/words/shell';
import * as silences from '../../../daemon/api/ui/src/words/silences';

const tables = [shell, now, check, incident, map, receivers, silences];

afterEach(() => setLanguage('en'));

function args(text: string): string[] {
	return [...new Set([...text.matchAll(/\{(\w+)/g)].map(found => found[1] ?? ''))].sort();
}

test('every word is there in both languages, with the same arguments', () => {
	for (const [key, pair] of Object.entries(table) as [string, readonly string[]][]) {
		assert.equal(pair.length, 2, key);
		assert.ok(pair.every(words => words.trim() !== ''), key);
		assert.deepEqual(args(pair[1]!), args(pair[0]!), key);
	}
});

test('no key is in two tables', () => {
	const count = tables.reduce((sum, one) => sum + Object.keys(one.words).length, 0);

	assert.equal(Object.keys(table).length, count);
});

/* Examples of what to type are the same in both. */
test('Chinese words are Chinese', () => {
	const bare = (words: string) => words.replace(/\{[^}]*\}/g, '');
	const same = (Object.entries(table) as [string, readonly [string, string]][])
		.filter(([, [en, zh]]) => en !== zh && /[a-z]{4}/i.test(bare(en)) && !/[\u4e00-\u9fff]/.test(zh));

	assert.deepEqual(same.map(([key]) => key), []);
});

test('what the API says has words', () => {
	for (const state of ['up', 'suspect', 'down', 'starting', 'waiting', 'unknown'])
		assert.ok(`state.${state}` in table, state);
	for (const severity of ['critical', 'warning', 'info'])
		assert.ok(`severity.${severity}` in table, severity);
	for (const status of ['open', 'acknowledged', 'resolved'])
		assert.ok(`status.${status}` in table, status);
	for (const rule of ['quiet', 'pending', 'firing', 'clearing', 'no_data'])
		assert.ok(`rule.${rule}` in table, rule);
	assert.equal(word('state', 'sideways'), 'sideways');
});

test('arguments and one or many', () => {
	assert.equal(fill('{n} {n|thing is|things are} broken', { n: 1 }), '1 thing is broken');
	assert.equal(fill('{n} {n|thing is|things are} broken', { n: 2 }), '2 things are broken');
	assert.equal(fill('{name} and {other}', { name: '{x}' }), '{x} and {other}');
	setLanguage('zh');
	assert.equal(t('overall.broken', { n: 2 }), '2 处有故障');
});
