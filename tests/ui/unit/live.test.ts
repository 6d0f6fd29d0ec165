/* The store against a scripted daemon: feed, asking instead, and owning up when nothing is heard. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Change } from '../../../daemon/api/ui/src/live';
import { install, tick, uninstall } from './fake_clock';
import { aCheck, anIncident } from './samples';

type Handler = (event: { data: string }) => void;

const feeds: Feed[] = [];

class Feed {
	handlers = new Map<string, Handler>();
	isClosed = false;
	onerror: () => void = () => undefined;

	constructor() {
		feeds.push(this);
	}

	addEventListener(name: string, fn: Handler): void {
		this.handlers.set(name, fn);
	}

	say(name: string, data: unknown): void {
		this.handlers.get(name)?.({ data: JSON.stringify(data) });
	}

	close(): void {
		this.isClosed = true;
	}
}

const daemon = { isThere: true, checks: [aCheck()], incidents: [anIncident()] };

function answer(path: string): unknown {
	if (path.includes('/status'))
		return { name: 'web-1', now: new Date().toISOString() };
	return path.includes('/checks') ? { checks: structuredClone(daemon.checks) } : { incidents: daemon.incidents };
}

Object.assign(globalThis, {
	EventSource: Feed,
	window: { addEventListener: () => undefined },
	document: { hidden: false },
	localStorage: { getItem: () => null },
	requestAnimationFrame: (fn: () => void) => setTimeout(fn, 16),
	fetch: async (path: string) => {
		if (!daemon.isThere)
			throw new TypeError('refused');
		return { ok: true, json: async () => answer(path) };
	},
});

/* Lets what is under way come to its end without the clock moving. */
async function settle(): Promise<void> {
	for (let i = 0; i < 40; i++)
		await Promise.resolve();
}

async function pass(ms: number): Promise<void> {
	await settle();
	tick(ms);
	await settle();
}

test('the life of a link', async () => {
	install('2026-01-02T03:04:05Z');
	const { live } = await import('../../../daemon/api/ui/src/live');
	const changes: Change[] = [];
	live.on(change => changes.push(change));

	/* nothing is known before the first answer */
	live.start();
	assert.equal(live.link, 'lost');
	feeds[0]!.say('hello', { resync: true });
	await pass(20);
	assert.equal(live.link, 'live');
	assert.equal(live.feed, 'events');
	assert.equal(live.checks.get('api')?.state, 'up');
	assert.equal(changes.flatMap(one => one.opened).length, 0, 'what was open before is no news');

	/* news are gathered into one call a frame, and go into the last totals */
	changes.length = 0;
	live.checks.get('api')!.totals = [0.01];
	const news = { ...aCheck({ state: 'down', failures: 3, cause: 'http.502' }), text: 'status 502', at: '2026-01-02T03:04:35Z', total: null };
	feeds[0]!.say('checks', { checks: [news, { ...news, name: 'not-known' }] });
	feeds[0]!.say('incident', { event: 'incident.opened', incident: anIncident({ id: 'new' }) });
	assert.equal(changes.length, 0);
	await pass(20);
	assert.equal(changes.length, 1);
	assert.deepEqual([...changes[0]!.checks], ['api']);
	assert.deepEqual(changes[0]!.opened.map(one => one.id), ['new']);
	assert.deepEqual(live.checks.get('api')!.totals, [0.01, null]);
	assert.equal(live.checks.get('api')!.last?.text, 'status 502');

	/* an end takes it out */
	changes.length = 0;
	feeds[0]!.say('incident', { event: 'incident.resolved', incident: anIncident({ id: 'new', status: 'resolved' }) });
	await pass(20);
	assert.deepEqual(changes[0]!.ended.map(one => one.id), ['new']);
	assert.ok(!live.incidents.has('new'));

	/* the feed breaks, the daemon is there: it is asked, and what ended meanwhile is said */
	changes.length = 0;
	daemon.incidents = [];
	feeds[0]!.onerror();
	await pass(20);
	assert.ok(feeds[0]!.isClosed);
	assert.equal(live.link, 'live');
	assert.equal(live.feed, 'asking');
	assert.deepEqual(changes.flatMap(one => one.ended).map(one => one.id), ['9d0f497c55a4']);

	/* nothing answers: that is said at once, and what is shown was heard before */
	daemon.isThere = false;
	const heardAt = live.heardAt;
	await pass(5000);
	assert.equal(live.link, 'lost');
	assert.equal(live.heardAt, heardAt);
	assert.ok(live.nextTryAt > Date.now());

	/* tries go on, less and less often, and the link comes back by itself */
	const tries = feeds.length;
	for (let i = 0; i < 10; i++) {
		await pass(40000);
		feeds[feeds.length - 1]!.onerror();
		await settle();
	}
	assert.ok(feeds.length - tries >= 9);
	assert.equal(live.link, 'lost');
	daemon.isThere = true;
	await pass(40000);
	feeds[feeds.length - 1]!.say('hello', { resync: true });
	await pass(20);
	assert.equal(live.link, 'live');
	assert.equal(live.feed, 'events');

	/* a proxy that swallows the feed: the daemon is asked instead, and the feed tried again */
	live.retry();
	await pass(8000);
	assert.equal(live.link, 'live');
	assert.equal(live.feed, 'asking');
	const before = feeds.length;
	for (let i = 0; i < 8; i++)
		await pass(5000);
	assert.ok(feeds.length > before);
	feeds[feeds.length - 1]!.say('hello', { resync: true });
	await pass(20);
	assert.equal(live.feed, 'events');

	/* a feed that says nothing for long is asked whether it lives */
	daemon.isThere = false;
	await pass(60000);
	assert.equal(live.link, 'lost');
	uninstall();
});
