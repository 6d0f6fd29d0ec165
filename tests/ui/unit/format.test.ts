/* Times, ages and numbers as people read them. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { bytes, clock, digits, exact, localTimes, percent, quantity, sentence, span, took, unitOf } from '../../../daemon/api/ui/src/format';
import { setLanguage } from '../../../daemon/api/ui/src/words';

afterEach(() => setLanguage('en'));

test('a span has two parts at most', () => {
	for (const [seconds, words] of [
		[-3, '0 s'], [0, '0 s'], [59.9, '59 s'], [60, '1 min'], [3599, '59 min'], [3600, '1 h'],
		[7500, '2 h 5 min'], [86400, '1 d'], [90061, '1 d 1 h'], [86400 + 120, '1 d'],
	] as const)
		assert.equal(span(seconds), words);
});

test('a span in Chinese', () => {
	setLanguage('zh');
	assert.equal(span(7500), '2 小时 5 分钟');
});

test('a measured time has a unit that fits', () => {
	for (const [seconds, words] of [
		[0, '0 s'], [9.7e-5, '97 µs'], [0.000963, '963 µs'], [0.0123, '12.3 ms'], [0.297, '297 ms'],
		[1, '1 s'], [2.5, '2.5 s'], [119, '119 s'], [600, '10 min'],
	] as const)
		assert.equal(took(seconds), words);
});

test('numbers have three digits that matter', () => {
	for (const [value, words] of [[0, '0'], [62.0244, '62'], [4.5301, '4.53'], [99.26, '99.3'], [1234, '1234'], [0.0031, '0.0031']] as const)
		assert.equal(digits(value), words);
});

test('bytes are binary', () => {
	assert.equal(bytes(0), '0 B');
	assert.equal(bytes(1536), '1.5 KiB');
	assert.equal(bytes(270553174016), '252 GiB');
});

test('the catalogue\'s names say their units', () => {
	assert.equal(unitOf('total_time'), 's');
	assert.equal(unitOf('used_percent'), '%');
	assert.equal(unitOf('free_bytes'), 'B');
	assert.equal(unitOf('clients'), '');
	assert.equal(quantity(80, '%'), '80 %');
	assert.equal(quantity(5, 'jobs'), '5 jobs');
});

test('today is a time, another day has its date', () => {
	const now = new Date('2026-01-02T10:00:00Z');

	assert.equal(clock('2026-01-02T03:04:05Z', now), '11:04:05');
	assert.equal(clock('2026-01-01T03:04:05Z', now), '1 Jan 11:04');
	assert.equal(clock('2025-01-01T03:04:05Z', now), '1 Jan 2025 11:04');
	assert.equal(clock('nonsense', now), '');
	assert.equal(exact('2026-01-02T03:04:05Z'), '2026-01-02 11:04:05 UTC+8');
});

test('what the daemon wrote in UTC is read in the reader\'s zone', () => {
	assert.match(localTimes('fires since 2020-01-02T03:04:05.678Z'), /^fires since 2 Jan 2020 11:04$/);
});

test('uptime is never rounded up to all of it', () => {
	assert.equal(percent(1), '100 %');
	assert.equal(percent(0.99996), '> 99.99 %');
	assert.equal(percent(0.9987), '99.87 %');
	assert.equal(percent(0.5), '50 %');
	assert.equal(percent(0), '0 %');
});

test('the first sentence', () => {
	assert.equal(sentence('It is full. Remove files.'), 'It is full.');
	assert.equal(sentence('Port 127.0.0.1:80 is taken'), 'Port 127.0.0.1:80 is taken');
	assert.equal(sentence('磁盘已满。请删除文件。'), '磁盘已满。');
});
