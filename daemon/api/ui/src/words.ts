/*
 * Every word that people read, in English and Chinese.  The tables are in words/, one for each view,
 * a pair in a row; what the daemon wrote (titles, explanations, remedies) comes in its own language.
 * `{name}` is an argument; `{n|thing|things}` chooses by whether the argument n is 1.
 */
import * as shell from './words/shell';
import * as now from './words/now';
import * as check from './words/check';
import * as incident from './words/incident';
import * as map from './words/map';
import * as receivers from './words/receivers';
import * as silences from './words/silences';

export type Language = 'en' | 'zh';
export type Pair = readonly [en: string, zh: string];
export type Args = Record<string, string | number>;

export const table = {
	...shell.words,
	...now.words,
	...check.words,
	...incident.words,
	...map.words,
	...receivers.words,
	...silences.words,
};

export type Key = keyof typeof table;

let language: Language = 'en';

export function setLanguage(to: Language): void {
	language = to;
}

export function getLanguage(): Language {
	return language;
}

export function fill(pattern: string, args: Args): string {
	return pattern.replace(/\{(\w+)(?:\|([^|}]*)\|([^}]*))?\}/g, (whole, name, one, many) => {
		const value = args[name];
		if (value === undefined)
			return whole;
		return one === undefined ? String(value) : Number(value) === 1 ? one : many;
	});
}

export function t(key: Key, args: Args = {}): string {
	return fill(table[key][language === 'en' ? 0 : 1], args);
}

/* For keys made of what the API says ("state.down"): a word that the table lacks is shown as it is. */
export function word(prefix: string, name: string): string {
	const key = `${prefix}.${name}`;
	return key in table ? t(key as Key) : name;
}
