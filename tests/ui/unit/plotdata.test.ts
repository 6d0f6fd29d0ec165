/* Gaps stay gaps, scales show what matters, bars of a sparkline. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { align, extent, limits } from '../../../daemon/api/ui/src/plotdata';
import { sparkBars } from '../../../daemon/api/ui/src/parts/spark';
import type { Point } from '../../../daemon/api/ui/src/types';

const at = (x: number, y: number): Point => [x, y, y - 1, y + 1, 2];

test('a hole breaks the line, a late sample does not', () => {
	const columns = align([[at(0, 1), at(10, 2), at(30, 3), at(100, 4)]], 10);

	assert.deepEqual(columns.xs, [0, 10, 30, 40, 100]);
	assert.deepEqual(columns.averages[0], [1, 2, 3, null, 4]);
	assert.deepEqual(columns.lows[0], [0, 1, 2, null, 3]);
});

test('points of another series are no hole', () => {
	const columns = align([[at(0, 1), at(20, 2)], [at(10, 7)]], 10);

	assert.deepEqual(columns.xs, [0, 10, 20]);
	assert.deepEqual(columns.averages, [[1, undefined, 2], [undefined, 7, undefined]]);
});

test('nothing at all', () => {
	assert.deepEqual(align([[]], 10).xs, []);
	assert.equal(extent([]), undefined);
});

test('the mean weighs by how many values a point stands for', () => {
	assert.deepEqual(extent([[0, 1, 0, 2, 3], [10, 5, 4, 9, 1]]), { low: 0, high: 9, last: 5, mean: 2 });
});

test('scales', () => {
	assert.deepEqual(limits(50, 62, '%', []), [0, 100]);
	assert.equal(limits(0.01, 0.3, 's', [])[0], 0);
	const [from, to] = limits(0.1, 0.3, 's', [0.5, 60]);
	assert.equal(from, 0);
	assert.ok(to > 0.5 && to < 1, 'a limit that is near is shown, one far off does not flatten the line');
	const [low, high] = limits(1000, 1010, 'B', []);
	assert.ok(low > 990 && high < 1020, 'what hardly moves is seen to move');
	const [a, b] = limits(0, 0, '', []);
	assert.ok(a < b);
});

test('bars of the last runs: failures stand out, one outlier does not flatten', () => {
	const bars = sparkBars([0.01, null, 0.01, 5]);

	assert.equal(bars.length, 4);
	assert.equal(bars[1]![1], -1);
	assert.equal(bars[3]![1], 1);
	assert.ok(bars[0]![1] > 0.1);
	assert.equal(sparkBars(Array(100).fill(1)).length, 40);
	assert.deepEqual(sparkBars([]), []);
	assert.ok(sparkBars([0, 0])[0]![1] > 0);
});
