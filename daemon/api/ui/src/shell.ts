/*
 * The frame around the views: who this is, how all of it stands, where one can go, whether what is
 * shown is still true.  Built anew when the language changes.
 */
import { token } from './api';
import { h, replace, text } from './dom';
import { clock } from './format';
import { live } from './live';
import { overall } from './overall';
import { setFavicon } from './parts/favicon';
import { icon } from './parts/icon';
import { logOut, openLogin } from './parts/login';
import { places } from './parts/notice';
import { chooseLanguage, setTheme, theme, type Theme } from './settings';
import { getLanguage, t, type Key, type Language } from './words';

const links: { view: string; href: string; key: Key }[] = [
	{ view: 'now', href: '#/', key: 'nav.now' },
	{ view: 'incidents', href: '#/incidents', key: 'nav.incidents' },
	{ view: 'map', href: '#/map', key: 'nav.map' },
	{ view: 'receivers', href: '#/receivers', key: 'nav.receivers' },
	{ view: 'silences', href: '#/silences', key: 'nav.silences' },
];

export interface Shell {
	root: HTMLElement; /* where views go */
	here(view: string): void; /* which link is the current one */
	refresh(): void; /* writes what `live` says now */
}

function choice<T extends string>(label: string, id: string, options: [T, string][], chosen: T, on: (to: T) => void): HTMLElement {
	const select = h('select', { id, onchange: () => on(select.value as T) },
		options.map(([value, words]) => h('option', { value, selected: value === chosen }, words)));

	return h('div', { class: 'field' }, h('label', { for: id }, label), select);
}

function settings(onLanguage: () => void): HTMLElement {
	return h('div', { class: 'settings' },
		loginButton(),
		choice<Language>(t('settings.language'), 'set-language',
			[['en', 'English'], ['zh', '中文']], getLanguage(), to => {
				chooseLanguage(to);
				onLanguage();
			}),
		choice<Theme>(t('settings.theme'), 'set-theme',
			[['auto', t('theme.auto')], ['light', t('theme.light')], ['dark', t('theme.dark')]], theme(), setTheme),
	);
}

function loginButton(): HTMLElement {
	const button = h('button', {
		type: 'button', class: 'quiet', onclick: () => (token() === null ? openLogin() : logOut()),
	});
	const say = () => text(button, t(token() === null ? 'login.in' : 'login.out'));

	say();
	document.addEventListener('login', say);
	return button;
}

/* The banner while nothing is heard, with a countdown to the next try. */
function makeBanner(): { el: HTMLElement; refresh(): void } {
	const what = h('p', { role: 'status' });
	const when = h('span', { class: 'num' });
	const el = h('div', { class: 'banner', hidden: true },
		icon('unknown'), what, when,
		h('button', { type: 'button', onclick: () => live.retry() }, t('link.now')));

	return {
		el,
		refresh() {
			const wait = Math.ceil((live.nextTryAt - Date.now()) / 1000);

			el.hidden = live.link === 'live' || (live.heardAt === 0 && live.nextTryAt === 0);
			if (el.hidden)
				return;
			text(what, live.heardAt === 0 ? t('link.never') : t('link.lost', { time: clock(live.heardAt) }));
			text(when, wait > 0 && live.nextTryAt > 0 ? t('link.retry', { n: wait }) : t('link.trying'));
		},
	};
}

function makeTroubles(): { el: HTMLElement; refresh(): void } {
	const el = h('div', { class: 'troubles', role: 'status' });
	let shown = '';

	return {
		el,
		refresh() {
			const s = live.status;
			const list = [
				s?.config_trouble ? t('trouble.config', { text: s.config_trouble }) : '',
				s?.store_trouble ? t('trouble.store', { text: s.store_trouble }) : '',
			].filter(words => words !== '');

			if (list.join('\n') === shown)
				return;
			shown = list.join('\n');
			replace(el, list.map(words => h('p', { class: 'trouble-line' }, icon('warning'), h('span', null, words))));
		},
	};
}

export function buildShell(app: HTMLElement, onLanguage: () => void): Shell {
	const name = h('span', { class: 'brand-name' });
	const state = h('p', { class: 'overall' });
	const link = h('span', { class: 'link-state' });
	const version = h('span');
	const root = h('main', { id: 'main', tabindex: '-1' });
	const banner = makeBanner();
	const troubles = makeTroubles();
	const nav = links.map(one => h('a', { href: one.href, 'data-view': one.view }, t(one.key)));
	let sign = '';

	replace(app,
		h('a', {
			class: 'skip', href: '#main', onclick: (event: Event) => {
				event.preventDefault();
				root.focus();
			},
		}, t('nav.skip')),
		h('header', { class: 'top' },
			h('div', { class: 'top-in' },
				h('a', { class: 'brand', href: '#/' }, name),
				state,
				h('nav', { 'aria-label': t('nav.label') }, nav),
				link),
			banner.el),
		troubles.el,
		root,
		h('footer', { class: 'foot' }, version, settings(onLanguage)),
		places());

	function sayState(): void {
		const all = overall(live.checks.values(), live.incidents.values(), live.heardAt > 0);
		const isStale = live.link === 'lost' && live.heardAt > 0;
		const shown = isStale || (live.link === 'lost' && live.nextTryAt > 0) ? 'unknown' : all.sign;
		const words = isStale ? t('overall.stale', { text: all.text })
			: shown === 'unknown' && live.nextTryAt > 0 ? t('overall.unknown') : all.text;
		const host = live.status?.name ?? 'triaged';

		if (sign !== `${shown} ${words}`) {
			sign = `${shown} ${words}`;
			state.className = `overall is-${shown}`;
			replace(state, icon(shown), h('span', null, words));
		}
		text(name, host);
		document.title = `${words} · ${host}`;
		setFavicon(shown, all.open);
		root.classList.toggle('is-stale', isStale);
	}

	function sayLink(): void {
		link.className = `link-state is-${live.link}`;
		text(link, live.link === 'lost' ? '' : live.feed === 'asking' ? t('link.polling', { n: 5 }) : t('link.live'));
	}

	return {
		root,
		here(view: string) {
			for (const a of nav) {
				if (a.dataset.view === view)
					a.setAttribute('aria-current', 'page');
				else
					a.removeAttribute('aria-current');
			}
		},
		refresh() {
			sayState();
			sayLink();
			banner.refresh();
			troubles.refresh();
			text(version, live.status === null ? 'triaged' : `triaged ${live.status.version}`);
		},
	};
}
