/* A check's state as the dashboard and `triage` name it.  Pure. */
import type { Check } from './types';

/* One that has not run waits; one whose run could not tell is unknown. */
export function stateName(check: Pick<Check, 'state' | 'last'>): string {
	return check.state === 'unknown' && check.last === null ? 'waiting' : check.state;
}
