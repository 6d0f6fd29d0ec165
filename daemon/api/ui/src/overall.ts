/* How all of it stands, in one sign and one sentence.  Pure. */
import type { Check, Incident } from './types';
import { t } from './words';

export interface Overall {
	sign: 'up' | 'critical' | 'warning' | 'acknowledged' | 'unknown' | 'waiting';
	text: string;
	open: number; /* what nobody has acknowledged */
}

export function overall(checks: Iterable<Check>, incidents: Iterable<Incident>, isKnown: boolean): Overall {
	const all = [...checks];
	const open = [...incidents];
	const unacked = open.filter(one => one.status === 'open');
	const worst = unacked.filter(one => one.severity === 'critical').length;

	if (!isKnown)
		return { sign: 'unknown', text: t('overall.reading'), open: 0 };
	if (worst > 0)
		return { sign: 'critical', text: t('overall.broken', { n: worst }), open: unacked.length };
	if (unacked.length > 0)
		return { sign: 'warning', text: t('overall.warnings', { n: unacked.length }), open: unacked.length };
	if (open.length > 0)
		return { sign: 'acknowledged', text: t('overall.acked', { n: open.length }), open: 0 };
	if (all.length === 0)
		return { sign: 'waiting', text: t('overall.none'), open: 0 };
	if (all.every(one => one.state === 'up'))
		return { sign: 'up', text: t('overall.fine', { n: all.length }), open: 0 };
	return { sign: 'up', text: t('overall.fine-but'), open: 0 };
}
