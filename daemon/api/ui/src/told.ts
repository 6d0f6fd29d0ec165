/*
 * Who was told of an incident, and who not yet and why: what receivers were told (`deliveries`) and
 * what delivery waits for (`decisions`) as one row for each receiver, in words.  Pure.
 */
import { t, word } from './words';
import type { Delivery, Incident, Wait } from './types';

export type Standing = 'waits' | 'told' | 'later' | 'never';

export interface LedgerRow {
	receiver: string;
	standing: Standing;
	delivery: Delivery | null;
	waits: Wait[];
}

const order: Standing[] = ['waits', 'told', 'later', 'never'];

function standingOf(row: LedgerRow): Standing {
	const has = (what: string) => row.waits.some(wait => wait.what === what);
	if (has('queued'))
		return 'waits';
	if (row.delivery !== null)
		return 'told';
	return has('escalation') || has('resting') ? 'later' : 'never';
}

export function ledgerOf(incident: Pick<Incident, 'deliveries' | 'decisions'>): LedgerRow[] {
	const rows = new Map<string, LedgerRow>();
	const rowOf = (receiver: string): LedgerRow => {
		const row = rows.get(receiver) ??
			{ receiver, standing: 'never' as Standing, delivery: null, waits: [] };
		rows.set(receiver, row);
		return row;
	};
	for (const one of incident.deliveries ?? [])
		rowOf(one.receiver).delivery = one;
	for (const wait of incident.decisions ?? [])
		if (wait.receiver !== undefined && wait.what !== 'told')
			rowOf(wait.receiver).waits.push(wait);
	const all = [...rows.values()];
	for (const row of all)
		row.standing = standingOf(row);
	return all.sort((a, b) => order.indexOf(a.standing) - order.indexOf(b.standing) ||
		(a.receiver < b.receiver ? -1 : 1));
}

/* A silence or planned work that keeps everybody from being told. */
export function mutedBy(incident: Pick<Incident, 'decisions'>): Wait | null {
	return incident.decisions?.find(wait => wait.what === 'muted') ?? null;
}

/* "incident.opened" -> "that it opened". */
export function toldWords(delivery: Delivery): string {
	const event = delivery.told.replace(/^incident\./, '');
	const reason = delivery.reason === 'first' || delivery.reason === event
		? '' : word('reason', delivery.reason);
	const what = word('told', event);
	return reason === '' ? what : t('told.because', { what, reason });
}

/*
 * What one receiver waits for: "tried 3 times in vain, again in 12 s".  `at` is how the page says
 * `wait.until`; it is not used where there is none.
 */
export function waitWords(wait: Wait, at: string): string {
	const isTimed = wait.until !== undefined;
	switch (wait.what) {
	case 'queued':
		if ((wait.tries ?? 0) === 0)
			return isTimed ? t('wait.queued-until', { at }) : t('wait.queued');
		return t(isTimed ? 'wait.tried-until' : 'wait.tried', { n: wait.tries ?? 0, at });
	case 'reminder':
		return t('wait.reminder', { at });
	case 'resting':
		return isTimed ? t('wait.resting-until', { at }) : t('wait.resting');
	case 'escalation':
		return isTimed ? t('wait.escalation', { at }) : t('wait.escalation-off');
	case 'not-routed':
		return t('wait.not-routed');
	default:
		return wait.text;
	}
}

/* ---- why what waits for a receiver does not go ---- */

const waiting: [RegExp, (found: RegExpExecArray) => string][] = [
	[/^rate$/, () => t('waits.rate')],
	[/^backing off after (\d+) failures?$/, found => t('waits.backing-off', { n: found[1] ?? '' })],
	[/^asked to wait$/, () => t('waits.asked-to-wait')],
	[/^waiting for the disk$/, () => t('waits.disk')],
	[/^group_wait$/, () => t('waits.group-wait')],
	[/^in flight$/, () => t('waits.in-flight')],
	[/^disabled$/, () => t('waits.disabled')],
];

/* "backing off after 3 failures", in the page's language. */
export function waitsWords(text: string): string {
	for (const [pattern, say] of waiting) {
		const found = pattern.exec(text);
		if (found !== null)
			return say(found);
	}
	return text;
}
