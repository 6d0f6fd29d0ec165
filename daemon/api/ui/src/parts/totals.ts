/*
 * The last total times of checks that are looked at: asked for one by one when their rows come into
 * sight, a few at once; the feed goes on from there.
 */
import { get, part } from '../api';
import { live } from '../live';
import type { Check } from '../types';

const AT_ONCE = 4;

const wanted = new Map<string, () => void>();
let asking = 0;

function next(): void {
	while (asking < AT_ONCE && wanted.size > 0) {
		/* The latest first: what scrolled by is not looked at any more. */
		const [name, then] = [...wanted].pop()!;
		wanted.delete(name);
		asking++;
		void ask(name).then(then, () => undefined).finally(() => {
			asking--;
			next();
		});
	}
}

async function ask(name: string): Promise<void> {
	const answer = await get<Check>(`checks/${part(name)}`);
	const check = live.checks.get(name);

	if (check !== undefined)
		check.totals = answer.totals ?? [];
}

export function wantTotals(name: string, then: () => void): void {
	wanted.set(name, then);
	next();
}

export function forgetTotals(name: string): void {
	wanted.delete(name);
}
