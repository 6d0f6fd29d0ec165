/* Checks and incidents for tests, with what matters said and the rest plain. */
import type { Check, Incident } from '../../../daemon/api/ui/src/types';

export function aCheck(more: Partial<Check> = {}): Check {
	return {
		name: 'api', type: 'http', instance: null, target: 'http://127.0.0.1/', group: '', description: '',
		severity: 'critical', labels: {}, needs: [], interval: 30, timeout: 10, state: 'up',
		since: '2026-01-02T03:04:05.000Z', next: '2026-01-02T03:04:35.000Z', running: false, failures: 0,
		runs: 1, overdue: 0, cause: null, value: null,
		last: {
			outcome: 'ok', cause: null, text: 'status 200', at: '2026-01-02T03:04:05.000Z', duration: 0.01,
			phases: {}, values: { total_time: 0.01 }, facts: [], notes: [],
		},
		...more,
	};
}

export function anIncident(more: Partial<Incident> = {}): Incident {
	return {
		id: '9d0f497c55a4', status: 'open', severity: 'critical', host: 'web-1', title: 'api is down',
		summary: 'status 502', check: 'api', type: 'http', target: '', rule: 'check-down',
		cause: { code: 'http.502', playbook: '', title: '', explanation: '', confidence: '' },
		impact: [], facts: [], remedy: [], values: {}, labels: {}, runbook_url: '', url: '',
		started_at: '2026-01-02T03:04:05.000Z', detected_at: '2026-01-02T03:04:05.000Z',
		acknowledged_at: null, resolved_at: null, duration: 1, ...more,
	};
}
