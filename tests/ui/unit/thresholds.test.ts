/* Only limits at which a rule fires by that metric alone are drawn. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sufficient, thresholdsOf } from '../../../daemon/api/ui/src/thresholds';
import type { RuleStanding } from '../../../daemon/api/ui/src/types';

test('what suffices alone', () => {
	for (const [expression, parts] of [
		['this.used_percent >= 90%', ['this.used_percent >= 90%']],
		['this.used_percent > 60% and time_until(this.free_bytes, 0, 6h) < 24h', []],
		['this.used_percent >= 80% or (this.free_bytes < 5GB and this.total_bytes > 20GB)\n', ['this.used_percent >= 80%']],
		['not failing(this) and this.total_time > 2s', ['this.total_time > 2s']],
		['(avg(slow.total_time, 1m) > 200ms)', ['avg(slow.total_time, 1m) > 200ms']],
		['known(this.x) and (this.a > 1 or this.b > 2)', ['this.a > 1', 'this.b > 2']],
		['(this.a > 1) or (this.b > 2)', ['this.a > 1', 'this.b > 2']],
		['down(this)', []],
		['', []],
		[')(', []],
	] as const)
		assert.deepEqual(sufficient(expression), parts, expression);
});

test('limits of the metrics that are shown', () => {
	const rule: RuleStanding = {
		name: 'disk-space', state: 'quiet', severity: 'critical',
		levels: [{ severity: 'warning', expr: 'this.used_percent >= 80% or (this.free_bytes < 5GB and this.total_bytes > 20GB)', for: 60 }],
		thresholds: [
			{ severity: 'warning', metric: 'used_percent', op: '>=', value: 80, unit: '%' },
			{ severity: 'warning', metric: 'free_bytes', op: '<', value: 5e9, unit: 'B' },
		],
	};

	assert.deepEqual(thresholdsOf([rule], ['used_percent', 'free_bytes']),
		[{ value: 80, severity: 'warning', label: 'disk-space: warning >= 80 %' }]);
	assert.deepEqual(thresholdsOf([rule], ['used_percent', 'used_percent']).length, 1);
	assert.deepEqual(thresholdsOf([rule], ['percent']), []);
});
