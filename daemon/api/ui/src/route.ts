/* What the address says, and addresses that say it.  Pure. */
export interface Place {
	view: string;
	arg: string;
}

export function parse(hash: string): Place {
	const path = hash.replace(/^#?\/?/, '').split('?')[0] ?? '';
	const slash = path.indexOf('/');
	const view = slash === -1 ? path : path.slice(0, slash);
	const rest = slash === -1 ? '' : path.slice(slash + 1);

	return { view, arg: decode(rest) };
}

function decode(text: string): string {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

export function toCheck(name: string): string {
	return `#/checks/${encodeURIComponent(name)}`;
}

export function toIncident(id: string): string {
	return `#/incidents/${encodeURIComponent(id)}`;
}

export function toReceiver(name: string): string {
	return `#/receivers/${encodeURIComponent(name)}`;
}

/* The token of `#token=XXXX`, as `triage dashboard` prints it. */
export function tokenIn(hash: string): string | null {
	const found = /^#token=([^&]+)/.exec(hash);

	return found === null ? null : decode(found[1] ?? '');
}
