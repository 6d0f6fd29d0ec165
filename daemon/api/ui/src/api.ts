/*
 * Asks the daemon and tells it what to do.  Paths are below /api/v1.  Reading needs nothing; writing
 * takes the token that `triage dashboard` put behind the address, which stays in this browser.
 */
const TOKEN_KEY = 'triaged.token';
const DEADLINE_MS = 15000;

/* What the daemon answered instead (problem+json), or that it did not answer (status 0). */
export class Problem extends Error {
	constructor(readonly status: number, readonly title: string, readonly detail: string) {
		super(detail || title);
	}

	get needsLogin(): boolean {
		return this.status === 401;
	}
}

export function token(): string | null {
	try {
		return localStorage.getItem(TOKEN_KEY);
	} catch {
		return null;
	}
}

export function setToken(to: string | null): void {
	try {
		if (to === null)
			localStorage.removeItem(TOKEN_KEY);
		else
			localStorage.setItem(TOKEN_KEY, to);
	} catch {
		/* without storage the token lasts as long as nothing needs it */
	}
}

function url(path: string): string {
	return path.startsWith('/') ? path : `/api/v1/${path}`;
}

/* A name as a part of a path: `disks[/var]` too. */
export function part(name: string): string {
	return encodeURIComponent(name);
}

async function problem(answer: Response): Promise<Problem> {
	try {
		const doc = await answer.json();
		return new Problem(answer.status, String(doc.title ?? ''), String(doc.detail ?? ''));
	} catch {
		return new Problem(answer.status, answer.statusText || `HTTP ${answer.status}`, '');
	}
}

async function ask(method: string, path: string, body?: unknown): Promise<Response> {
	const headers: Record<string, string> = { accept: 'application/json' };
	const bearer = token();
	const stop = new AbortController();
	const timer = setTimeout(() => stop.abort(), DEADLINE_MS);

	if (method !== 'GET' && bearer !== null)
		headers.authorization = `Bearer ${bearer}`;
	if (body !== undefined)
		headers['content-type'] = 'application/json';
	try {
		const answer = await fetch(url(path), {
			method,
			headers,
			body: body === undefined ? undefined : JSON.stringify(body),
			signal: stop.signal,
			cache: 'no-cache',
			credentials: 'omit',
		});
		if (!answer.ok)
			throw await problem(answer);
		return answer;
	} catch (e) {
		if (e instanceof Problem)
			throw e;
		throw new Problem(0, 'no answer', stop.signal.aborted ? `no answer within ${DEADLINE_MS / 1000} s` : '');
	} finally {
		clearTimeout(timer);
	}
}

export async function get<T>(path: string): Promise<T> {
	return (await ask('GET', path)).json() as Promise<T>;
}

export async function getText(path: string): Promise<string> {
	return (await ask('GET', path)).text();
}

/* The answer's JSON; undefined when it has no body. */
export async function send<T>(method: 'POST' | 'DELETE', path: string, body?: unknown): Promise<T> {
	const answer = await ask(method, path, body);
	const words = await answer.text();

	return (words === '' ? undefined : JSON.parse(words)) as T;
}
