/*
 * The one store of what the daemon says, kept fresh by its feed, or by asking every few seconds when
 * no feed is to be had.  It never passes off old news as new: `link` is 'lost' as soon as neither
 * answers, and `heardAt` says when something was last known.
 *
 *	connecting --hello, all read--> live (feed) --error, silence--> is it there? --yes--> live (asking)
 *	                                                                            --no---> lost, try again
 */
import { get } from './api';
import type { Check, CheckNews, Incident, Status } from './types';

export interface Change {
	all: boolean; /* everything was read anew */
	link: boolean;
	checks: Set<string>;
	incidents: Set<string>;
	opened: Incident[]; /* since the last call */
	ended: Incident[];
	topics: Set<string>; /* silences, receivers, config: read anew who shows them */
}

type Listener = (change: Change) => void;

const ASK_EVERY_MS = 5000;
const FEED_AGAIN_MS = 30000;
const SILENT_TOO_LONG_MS = 40000;
const HELLO_WITHIN_MS = 8000; /* a proxy may swallow the feed without an error */
const RETRY_FIRST_MS = 1000;
const RETRY_MOST_MS = 30000;
const TOTALS_KEPT = 60;
const CHECKS_AT_ONCE = 1000;

const listeners = new Set<Listener>();
let change = none();
let isAsked = false;
let feed: EventSource | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let watch: ReturnType<typeof setInterval> | undefined;
let retryMs = RETRY_FIRST_MS;
let feedFailedAt = 0;
let isReading = false;
let pending: (() => void)[] = [];

export const live = {
	checks: new Map<string, Check>(),
	incidents: new Map<string, Incident>(), /* those that are open */
	status: null as Status | null,
	link: 'lost' as 'live' | 'lost',
	feed: 'none' as 'none' | 'events' | 'asking',
	heardAt: 0, /* ms; 0: never */
	nextTryAt: 0, /* ms; 0: a try is under way */
	skewMs: 0, /* the daemon's clock less this browser's */

	on(fn: Listener): () => void {
		listeners.add(fn);
		return () => listeners.delete(fn);
	},
	/* The daemon's time, in ms. */
	now(): number {
		return Date.now() + live.skewMs;
	},
	start,
	retry,
	refresh: readAll,
	/* For what was just done here, before the feed says so. */
	takeIncident(incident: Incident): void {
		takeIncident(incident);
	},
};

function none(): Change {
	return {
		all: false, link: false, checks: new Set(), incidents: new Set(),
		opened: [], ended: [], topics: new Set(),
	};
}

function tell(): void {
	const what = change;

	isAsked = false;
	change = none();
	for (const fn of [...listeners])
		fn(what);
}

/* Once in a frame; a page that is not seen has no frames, but a title. */
function mark(): void {
	if (isAsked)
		return;
	isAsked = true;
	if (document.hidden)
		setTimeout(tell, 250);
	else
		requestAnimationFrame(tell);
}

function heard(): void {
	live.heardAt = Date.now();
	retryMs = RETRY_FIRST_MS;
	if (live.link !== 'live') {
		live.link = 'live';
		change.link = true;
		mark();
	}
}

function lost(): void {
	closeFeed();
	if (live.link !== 'lost')
		live.link = 'lost';
	live.feed = 'none';
	live.nextTryAt = Date.now() + retryMs;
	change.link = true;
	mark();
	clearTimeout(timer);
	timer = setTimeout(connect, retryMs * (0.8 + 0.4 * Math.random()));
	retryMs = Math.min(retryMs * 2, RETRY_MOST_MS);
}

function takeStatus(status: Status): void {
	live.status = status;
	live.skewMs = Date.parse(status.now) - Date.now();
	if (Math.abs(live.skewMs) < 2000)
		live.skewMs = 0;
}

function takeIncident(incident: Incident): void {
	const known = live.incidents.get(incident.id);

	if (incident.status === 'resolved') {
		if (known !== undefined)
			change.ended.push(incident);
		live.incidents.delete(incident.id);
	} else {
		if (known === undefined)
			change.opened.push(incident);
		live.incidents.set(incident.id, incident);
	}
	change.incidents.add(incident.id);
	mark();
}

function takeNews(news: CheckNews): void {
	const check = live.checks.get(news.name);

	if (check === undefined)
		return;
	check.state = news.state;
	check.since = news.since;
	check.next = news.next;
	check.running = news.running;
	check.failures = news.failures;
	check.cause = news.cause;
	check.blind = news.blind;
	if (news.value !== undefined)
		check.value = news.value;
	if (news.at !== undefined && news.at !== check.last?.at) {
		if (check.last !== null && news.text !== undefined)
			check.last = { ...check.last, text: news.text, at: news.at, cause: news.cause };
		if (news.total !== undefined && check.totals !== undefined)
			check.totals = [...check.totals, news.total].slice(-TOTALS_KEPT);
	}
	change.checks.add(check.name);
	mark();
}

/* Checks that went away go; the order is the configuration's. */
function takeChecks(list: Check[]): void {
	const before = new Map(live.checks);

	live.checks.clear();
	for (const check of list) {
		const known = before.get(check.name);
		if (known?.totals !== undefined && check.totals === undefined) {
			check.totals = known.totals;
			if (check.last !== null && check.last.at !== known.last?.at)
				check.totals = [...known.totals, totalOf(check)].slice(-TOTALS_KEPT);
		}
		live.checks.set(check.name, check);
	}
}

function totalOf(check: Check): number | null {
	return check.last?.outcome === 'ok' ? check.last.values.total_time ?? null : null;
}

function takeIncidents(list: Incident[]): void {
	const ids = new Set(list.map(one => one.id));

	for (const [id, incident] of live.incidents)
		if (!ids.has(id)) {
			change.ended.push(incident);
			live.incidents.delete(id);
		}
	for (const incident of list) {
		if (!live.incidents.has(incident.id) && live.feed !== 'none')
			change.opened.push(incident);
		live.incidents.set(incident.id, incident);
	}
}

async function readAll(): Promise<void> {
	if (isReading)
		return;
	isReading = true;
	try {
		const [status, checks, incidents] = await Promise.all([
			get<Status>('status'),
			get<{ checks: Check[] }>('checks'),
			get<{ incidents: Incident[] }>(`incidents?state=open&limit=${CHECKS_AT_ONCE}`),
		]);
		takeStatus(status);
		takeChecks(checks.checks);
		takeIncidents(incidents.incidents);
		change.all = true;
		heard();
		mark();
	} finally {
		isReading = false;
		const waiting = pending;
		pending = [];
		for (const fn of waiting)
			fn();
	}
}

/* News that come while everything is read are newer than what was read. */
function after(fn: () => void): void {
	if (isReading)
		pending.push(fn);
	else
		fn();
}

function closeFeed(): void {
	feed?.close();
	feed = null;
}

/* Without the feed: everything, every few seconds. */
async function askAgain(): Promise<void> {
	clearTimeout(timer);
	try {
		await readAll();
	} catch {
		lost();
		return;
	}
	if (live.feed !== 'asking') {
		live.feed = 'asking';
		change.link = true;
		mark();
	}
	if (Date.now() - feedFailedAt > FEED_AGAIN_MS && feed === null) {
		connect();
		return;
	}
	timer = setTimeout(askAgain, ASK_EVERY_MS);
}

function topic(name: string): void {
	change.topics.add(name);
	mark();
}

function listen(source: EventSource): void {
	const on = (name: string, fn: (data: never) => void) =>
		source.addEventListener(name, event => {
			heard();
			after(() => fn(JSON.parse((event as MessageEvent).data) as never));
		});

	on('hello', () => {
		clearTimeout(timer);
		readAll().then(() => {
			if (feed !== source)
				return;
			live.feed = 'events';
			change.link = true;
			mark();
		}, lost);
	});
	on('resync', () => void readAll().catch(lost));
	on('checks', (data: { checks: CheckNews[] }) => data.checks.forEach(takeNews));
	on('incident', (data: { incident: Incident }) => takeIncident(data.incident));
	on('silences', () => topic('silences'));
	on('receivers', () => topic('receivers'));
	on('config', () => {
		topic('config');
		void readAll().catch(lost);
	});
	source.onerror = () => {
		if (feed === source)
			doWithout();
	};
}

function doWithout(): void {
	closeFeed();
	feedFailedAt = Date.now();
	void askAgain();
}

function connect(): void {
	clearTimeout(timer);
	closeFeed();
	live.nextTryAt = 0;
	change.link = true;
	mark();
	feed = new EventSource('/api/v1/events');
	listen(feed);
	timer = setTimeout(doWithout, HELLO_WITHIN_MS);
}

/* At once instead of when its time comes. */
function retry(): void {
	retryMs = RETRY_FIRST_MS;
	connect();
}

function start(): void {
	connect();
	watch ??= setInterval(() => {
		if (live.feed !== 'events' || Date.now() - live.heardAt < SILENT_TOO_LONG_MS)
			return;
		readAll().catch(lost);
	}, SILENT_TOO_LONG_MS / 4);
	window.addEventListener('online', retry);
}
