/* A clock that is turned by hand, with its timers: node's own has no dates before its version 20,
 * and Debian 12 has 18. */
type Alarm = { id: number; at: number; every: number; fn: () => void };

const real = { Date: globalThis.Date, setTimeout, clearTimeout, setInterval, clearInterval };

let now = 0;
let lastId = 0;
let alarms: Alarm[] = [];

function add(fn: () => void, ms = 0, every = 0): number {
	alarms.push({ id: ++lastId, at: now + Math.max(ms, 1), every, fn });
	return lastId;
}

function drop(id: unknown): void {
	alarms = alarms.filter(one => one.id !== id);
}

class FakeDate extends real.Date {
	constructor(...args: unknown[]) {
		super(...((args.length === 0 ? [now] : args) as [number]));
	}

	static now(): number {
		return now;
	}
}

export function install(at: string): void {
	now = real.Date.parse(at);
	Object.assign(globalThis, {
		Date: FakeDate,
		setTimeout: (fn: () => void, ms?: number) => add(fn, ms),
		setInterval: (fn: () => void, ms = 1) => add(fn, ms, Math.max(ms, 1)),
		clearTimeout: drop,
		clearInterval: drop,
	});
}

/* It jumps, as a laptop's does that was shut: all that is due comes after it, in its order, and what
 * that starts is due later. */
export function tick(ms: number): void {
	now += ms;
	for (;;) {
		const next = alarms.reduce<Alarm | null>((first, one) => (first !== null && first.at <= one.at ? first : one), null);
		if (next === null || next.at > now)
			return;
		if (next.every > 0)
			next.at += next.every;
		else
			drop(next.id);
		next.fn();
	}
}

export function uninstall(): void {
	alarms = [];
	Object.assign(globalThis, real);
}
