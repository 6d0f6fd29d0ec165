/* Who was told of an incident, who not yet, and in which words. */
import assert from 'node:assert/strict';
import test from 'node:test';

import { ledgerOf, mutedBy, toldWords, waitsWords, waitWords } from '../../../daemon/api/ui/src/told';
import type { Delivery, Wait } from '../../../daemon/api/ui/src/types';
import { setLanguage } from '../../../daemon/api/ui/src/words';

const delivery = (receiver: string, more: Partial<Delivery> = {}): Delivery => ({
	receiver, state: 'open', told: 'incident.opened', reason: 'first', notice: 'msg_1', sequence: 1,
	first_told_at: null, told_at: null, waiting: 0, ...more,
});
const wait = (what: string, receiver?: string, more: Partial<Wait> = {}): Wait =>
	({ what, receiver, text: 'as the daemon says it', ...more });

test('a row for each receiver, who still waits first', () => {
	const rows = ledgerOf({
		deliveries: [delivery('hook'), delivery('slow')],
		decisions: [wait('muted'), wait('told', 'hook'), wait('reminder', 'hook'), wait('queued', 'slow'),
			wait('not-routed', 'aside'), wait('escalation', 'boss')],
	});
	assert.deepEqual(rows.map(row => [row.receiver, row.standing]),
		[['slow', 'waits'], ['hook', 'told'], ['boss', 'later'], ['aside', 'never']]);
	assert.deepEqual(rows[1]!.waits.map(one => one.what), ['reminder']);
	assert.deepEqual(ledgerOf({}), []);
});

test('a silence is of nobody in particular', () => {
	assert.equal(mutedBy({ decisions: [wait('queued', 'a'), wait('muted')] })?.what, 'muted');
	assert.equal(mutedBy({}), null);
});

test('what was told says why, where that is more than the event', () => {
	assert.equal(toldWords(delivery('a')), 'it opened');
	assert.equal(toldWords(delivery('a', { told: 'incident.updated', reason: 'new-impact' })), 'news (more is affected)');
	assert.equal(toldWords(delivery('a', { told: 'incident.resolved', reason: 'recovered' })), 'it ended (recovered)');
	assert.equal(toldWords(delivery('a', { told: 'incident.new-kind', reason: 'first' })), 'new-kind');
});

test('what a receiver waits for', () => {
	const until = '2026-01-02T03:04:05Z';
	assert.equal(waitWords(wait('queued', 'a', { tries: 0 }), ''), 'a message waits');
	assert.equal(waitWords(wait('queued', 'a', { tries: 0, until }), 'in 3 s'), 'a message goes in 3 s');
	assert.equal(waitWords(wait('queued', 'a', { tries: 1 }), ''), 'tried 1 time in vain');
	assert.equal(waitWords(wait('queued', 'a', { tries: 3, until }), 'in 12 s'), 'tried 3 times in vain, again in 12 s');
	assert.equal(waitWords(wait('escalation', 'a'), ''), 'not told while it is acknowledged');
	assert.match(waitWords(wait('escalation', 'a', { until }), 'in 5 min'), /told in 5 min unless/);
	assert.equal(waitWords(wait('something new', 'a'), ''), 'as the daemon says it');
});

test('why what waits does not go, in both languages', () => {
	assert.equal(waitsWords('backing off after 1 failure'), 'backs off after 1 failure');
	assert.equal(waitsWords('backing off after 4 failures'), 'backs off after 4 failures');
	assert.equal(waitsWords('group_wait'), 'gathers what follows');
	assert.equal(waitsWords('what nobody knows'), 'what nobody knows');
	setLanguage('zh');
	assert.equal(waitsWords('backing off after 4 failures'), '连续失败 4 次，退避中');
	setLanguage('en');
});
