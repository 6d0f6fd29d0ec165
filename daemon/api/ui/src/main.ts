/* Starts the dashboard: settings, shell, router, live store. */
import 'uplot/dist/uPlot.min.css';
import './style/main.css';

import { setToken } from './api';
import { h, replace } from './dom';
import { live, type Change } from './live';
import { startTicking } from './parts/age';
import { announce, done, news } from './parts/notice';
import { parse, toIncident, tokenIn } from './route';
import { guessLanguage, hasChosenLanguage, startSettings } from './settings';
import { buildShell, type Shell } from './shell';
import * as check from './views/check';
import * as incident from './views/incident';
import * as incidents from './views/incidents';
import * as map from './views/map';
import * as now from './views/now';
import * as receivers from './views/receivers';
import * as silences from './views/silences';
import { getLanguage, t, word } from './words';

type View = (root: HTMLElement, arg: string) => () => void;

/* `one` shows what the address names behind the view's name. */
const views: Record<string, { all?: View; one?: View; link: string }> = {
	'': { all: now.view, link: 'now' },
	checks: { all: now.view, one: check.view, link: 'now' },
	incidents: { all: incidents.view, one: incident.view, link: 'incidents' },
	map: { all: map.view, one: map.view, link: 'map' },
	receivers: { all: receivers.view, one: receivers.view, link: 'receivers' },
	silences: { all: silences.view, one: silences.view, link: 'silences' },
};

let shell: Shell;
let leave: (() => void) | null = null;
let here = '';
let at = location.hash;
let isLink = false;
const scrolls = new Map<string, number>(); /* where each page was left */

function noPage(root: HTMLElement): () => void {
	replace(root, h('h1', { tabindex: '-1' }, t('page.none')), h('p', null, h('a', { href: '#/' }, t('page.home'))));
	return () => undefined;
}

function go(isFirst: boolean): void {
	const place = parse(location.hash);
	const row = views[place.view];
	const view = (place.arg === '' ? row?.all : row?.one) ?? noPage;

	leave?.();
	here = place.view;
	shell.here(row?.link ?? '');
	replace(shell.root);
	shell.root.className = `view view-${place.view === '' ? 'now' : place.view}`;
	leave = view(shell.root, place.arg);
	shell.refresh();
	if (isFirst)
		return;
	window.scrollTo(0, isLink ? 0 : scrolls.get(location.hash) ?? 0);
	isLink = false;
	(shell.root.querySelector<HTMLElement>('h1[tabindex]') ?? shell.root).focus({ preventScroll: true });
}

/* Back and forward lead to where one was; a link leads to the top. */
function keepPlaces(): void {
	history.scrollRestoration = 'manual';
	document.addEventListener('click', event => {
		isLink ||= (event.target as Element).closest?.('a[href^="#"]') !== null;
	});
	window.addEventListener('scroll', () => {
		if (location.hash === at)
			scrolls.set(at, window.scrollY);
	}, { passive: true });
}

/* The link of `triage dashboard`: the token leaves the address before anything else happens. */
function takeToken(): boolean {
	const found = tokenIn(location.hash);

	if (found === null)
		return false;
	setToken(found);
	history.replaceState(null, '', `${location.pathname}#/`);
	return true;
}

function rebuild(): void {
	leave?.();
	leave = null;
	shell = buildShell(document.getElementById('app')!, () => {
		rebuild();
		document.getElementById('set-language')?.focus();
	});
	go(true);
}

function tellNews(change: Change): void {
	for (const one of change.opened) {
		const words = t('announce.opened', { severity: word('severity', one.severity), title: one.title });
		if (here === '')
			announce(words);
		else
			news(words, one.severity, toIncident(one.id));
	}
	for (const one of change.ended)
		if (here === '')
			announce(t('announce.resolved', { title: one.title }));
		else
			done(t('announce.resolved', { title: one.title }));
}

/* What the daemon speaks is known only now. */
function followLanguage(): void {
	const before = getLanguage();

	if (hasChosenLanguage() || live.status?.language === undefined)
		return;
	guessLanguage(live.status.language);
	if (getLanguage() !== before)
		rebuild();
}

function start(): void {
	const isLogin = takeToken();

	startSettings();
	rebuild();
	if (isLogin)
		done(t('login.done'));
	live.on(change => {
		if (change.all)
			followLanguage();
		shell.refresh();
		tellNews(change);
	});
	setInterval(() => live.link === 'lost' && shell.refresh(), 1000);
	startTicking();
	window.addEventListener('hashchange', () => {
		if (takeToken()) {
			document.dispatchEvent(new Event('login'));
			done(t('login.done'));
		}
		go(false);
		at = location.hash;
	});
	keepPlaces();
	live.start();
}

start();
