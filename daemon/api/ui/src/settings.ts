/* What this browser prefers: language, light or dark.  Kept here only. */
import { setLanguage, type Language } from './words';

export type Theme = 'auto' | 'light' | 'dark';

const THEME_KEY = 'triaged.theme';
const LANGUAGE_KEY = 'triaged.language';
const wantsDark = matchMedia('(prefers-color-scheme: dark)');

export function recall(key: string): string | null {
	try {
		return localStorage.getItem(key);
	} catch {
		return null;
	}
}

export function remember(key: string, value: string): void {
	try {
		localStorage.setItem(key, value);
	} catch {
		/* lasts as long as the page, then */
	}
}

export function theme(): Theme {
	const kept = recall(THEME_KEY);

	return kept === 'light' || kept === 'dark' ? kept : 'auto';
}

function paint(): void {
	const chosen = theme();

	document.documentElement.dataset.theme =
		chosen === 'auto' ? (wantsDark.matches ? 'dark' : 'light') : chosen;
	document.dispatchEvent(new Event('theme'));
}

export function setTheme(to: Theme): void {
	remember(THEME_KEY, to);
	paint();
}

export function hasChosenLanguage(): boolean {
	return recall(LANGUAGE_KEY) !== null;
}

function speak(language: Language): void {
	setLanguage(language);
	document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
}

export function chooseLanguage(to: Language): void {
	remember(LANGUAGE_KEY, to);
	speak(to);
}

/* The first of the browser's languages that the page has. */
function browserLanguage(): Language | undefined {
	for (const one of navigator.languages ?? [navigator.language]) {
		const language = one.toLowerCase().split('-')[0];
		if (language === 'en' || language === 'zh')
			return language;
	}
	return undefined;
}

/* Chosen before, else what the browser asks for, else what the daemon speaks, once that is known. */
export function guessLanguage(daemon?: Language): void {
	const kept = recall(LANGUAGE_KEY);

	speak(kept === 'en' || kept === 'zh' ? kept : browserLanguage() ?? daemon ?? 'en');
}

export function startSettings(): void {
	guessLanguage();
	paint();
	wantsDark.addEventListener('change', paint);
}
