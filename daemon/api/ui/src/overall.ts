/* How all of it stands, in one sign and one sentence.  Pure. */
import { stateName } from './state';
import type { Check, Incident } from './types';
import { t, type Key } from './words';

export interface Overall {
	sign: string; /* an icon */
	text: string;
	open: number; /* what nobody has acknowledged */
}

/* Without any incident: the first of these that some check is in.  Fine is only what all are. */
const doubts: { state: string; sign: string; key: Key }[] = [
	{ state: 'down', sign: 'critical', key: 'overall.down' },
	{ state: 'suspect', sign: 'suspect', key: 'overall.failing' },
	{ state: 'unknown', sign: 'unknown', key: 'overall.cannot-tell' },
	{ state: 'waiting', sign: 'waiting', key: 'overall.waiting' },
	{ state: 'starting', sign: 'starting', key: 'overall.starting' },
];

function ofChecks(checks: Check[]): Overall {
	const counts = new Map<string, number>();

	for (const check of checks)
		counts.set(stateName(check), (counts.get(stateName(check)) ?? 0) + 1);
	if (checks.length === 0)
		return { sign: 'waiting', text: t('overall.none'), open: 0 };
	for (const { state, sign, key } of doubts) {
		const n = counts.get(state) ?? 0;
		if (n > 0)
			return { sign, text: t(key, { n }), open: 0 };
	}
	return { sign: 'up', text: t('overall.fine', { n: checks.length }), open: 0 };
}

export function overall(checks: Iterable<Check>, incidents: Iterable<Incident>, isKnown: boolean): Overall {
	const all = [...incidents];
	const open = all.filter(one => one.status === 'open');
	const worst = open.filter(one => one.severity === 'critical').length;

	if (!isKnown)
		return { sign: 'unknown', text: t('overall.reading'), open: 0 };
	if (worst > 0)
		return { sign: 'critical', text: t('overall.broken', { n: worst }), open: open.length };
	if (open.length > 0)
		return { sign: 'warning', text: t('overall.warnings', { n: open.length }), open: open.length };
	if (all.length > 0)
		return { sign: 'acknowledged', text: t('overall.acked', { n: all.length }), open: 0 };
	return ofChecks([...checks]);
}
