/* Which stretch of time the plots of an incident show, and where it is shaded. */
import assert from 'node:assert/strict';
import test from 'node:test';

import { bandsOf, windowOf } from '../../../daemon/api/ui/src/breach';
import type { Incident } from '../../../daemon/api/ui/src/types';

const at = (second: number): string => new Date((1000000 + second) * 1000).toISOString();
const now = 1000000 + 7200;

function incident(ended: number | null, timeline: [number, string][] = []): Incident {
	return {
		started_at: at(0), resolved_at: ended === null ? null : at(ended), severity: 'critical',
		timeline: timeline.map(([second, kind]) => ({ at: at(second), kind, text: '' })),
	} as unknown as Incident;
}

test('a short breach is seen, a long one has half an hour before it', () => {
	assert.deepEqual(windowOf(incident(9), now), { from: 1000000 - 180, to: 1000000 + 69 });
	assert.deepEqual(windowOf(incident(300), now), { from: 1000000 - 600, to: 1000000 + 600 });
	assert.deepEqual(windowOf(incident(5000), now), { from: 1000000 - 1800, to: 1000000 + 5600 });
	assert.deepEqual(windowOf(incident(null), now), { from: 1000000 - 1800, to: now + 5 });
});

test('one breach is one band', () => {
	const stretch = (of: Incident) => bandsOf(of, now).map(band => [band.from - 1000000, band.to - 1000000]);
	assert.deepEqual(stretch(incident(null, [[1, 'opened'], [2, 'impact']])), [[0, 7200]]);
	assert.deepEqual(stretch(incident(90, [[1, 'opened'], [80, 'root-recovered'], [90, 'recovered']])), [[0, 80]]);
	assert.deepEqual(stretch(incident(90)), [[0, 90]]);
});

test('one that came back was well in between', () => {
	const back: [number, string][] = [[1, 'opened'], [60, 'recovered'], [60, 'root-recovered'], [200, 'reopened'],
		[300, 'recovered'], [400, 'reopened']];
	assert.deepEqual(bandsOf(incident(null, back), now).map(band => [band.from - 1000000, band.to - 1000000]),
		[[0, 60], [200, 300], [400, 7200]]);
});
