/* Times, ages and numbers as people read them.  Pure but for the language and the browser's zone. */
import { getLanguage, t } from './words';

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;

/* "12 s", "3 min", "2 h 5 min", "4 d 3 h": two parts at most. */
export function span(seconds: number): string {
	const s = Math.max(0, Math.floor(seconds));
	const parts: string[] = [];

	if (s < MINUTE)
		return t('time.s', { n: s });
	if (s >= DAY)
		parts.push(t('time.d', { n: Math.floor(s / DAY) }));
	if (s >= HOUR && s % DAY >= HOUR)
		parts.push(t('time.h', { n: Math.floor((s % DAY) / HOUR) }));
	if (s < DAY && s % HOUR >= MINUTE)
		parts.push(t('time.min', { n: Math.floor((s % HOUR) / MINUTE) }));
	return parts.join(' ');
}

/* A measured time: "963 µs", "12.3 ms", "2.5 s", "3 min". */
export function took(seconds: number): string {
	const abs = Math.abs(seconds);

	if (abs >= 2 * MINUTE)
		return span(seconds);
	if (abs >= 1)
		return `${digits(seconds)} s`;
	if (abs >= 1e-3)
		return `${digits(seconds * 1e3)} ms`;
	return abs === 0 ? '0 s' : `${digits(seconds * 1e6)} µs`;
}

/* Three digits that matter. */
export function digits(value: number): string {
	const abs = Math.abs(value);
	const places = abs >= 100 || Number.isInteger(value) ? 0 : abs >= 10 ? 1 : 2;

	if (abs >= 1e6)
		return value.toLocaleString(locale(), { notation: 'compact', maximumFractionDigits: 2 });
	return String(Number(value.toFixed(abs < 0.01 && abs > 0 ? 4 : places)));
}

export function bytes(value: number): string {
	const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
	let at = 0;
	let n = value;

	while (Math.abs(n) >= 1024 && at < units.length - 1) {
		n /= 1024;
		at++;
	}
	return `${digits(n)} ${units[at]}`;
}

/* The unit of a metric of the catalogue: its name says it. */
export function unitOf(metric: string): string {
	if (/_time$/.test(metric))
		return 's';
	if (/_percent$/.test(metric))
		return '%';
	if (/_bytes$/.test(metric))
		return 'B';
	if (/^(.*_)?days_left$/.test(metric))
		return 'd';
	return '';
}

export function quantity(value: number, unit: string): string {
	switch (unit) {
	case 's': return took(value);
	case 'B': return bytes(value);
	case 'B/s': return `${bytes(value)}/s`;
	case '%': return `${digits(value)} %`;
	case 'd': return t('time.d', { n: digits(value) });
	case '': return digits(value);
	default: return `${digits(value)} ${unit}`;
	}
}

function locale(): string {
	return getLanguage() === 'zh' ? 'zh-CN' : 'en-GB';
}

function pad(n: number): string {
	return String(n).padStart(2, '0');
}

/* "12:03:04"; another day's has the day before it: "Nov 21 12:03". */
export function clock(at: string | number | Date, now: Date = new Date()): string {
	const d = new Date(at);
	const time = `${pad(d.getHours())}:${pad(d.getMinutes())}`;

	if (Number.isNaN(d.getTime()))
		return '';
	if (d.toDateString() === now.toDateString())
		return `${time}:${pad(d.getSeconds())}`;
	return `${day(d, now)} ${time}`;
}

export function day(d: Date, now: Date = new Date()): string {
	return d.toLocaleDateString(locale(), {
		month: 'short',
		day: 'numeric',
		year: d.getFullYear() === now.getFullYear() ? undefined : 'numeric',
	});
}

/* In full, for a title: "2026-11-21 12:03:04 UTC+1". */
export function exact(at: string | number | Date): string {
	const d = new Date(at);
	const zone = -d.getTimezoneOffset() / 60;

	if (Number.isNaN(d.getTime()))
		return '';
	return `${d.getFullYear()}-${pad(d.getMonth() + 1)}-${pad(d.getDate())} ` +
		`${pad(d.getHours())}:${pad(d.getMinutes())}:${pad(d.getSeconds())} ` +
		(zone === 0 ? 'UTC' : `UTC${zone > 0 ? '+' : '−'}${Math.abs(zone)}`);
}

export function percent(ratio: number): string {
	const value = ratio * 100;

	/* 99.996 is not "100 %": something was down. */
	if (ratio < 1 && value > 99.99)
		return '> 99.99 %';
	return `${Number(value.toFixed(value >= 99 ? 2 : 1))} %`;
}

/* The first sentence, for a card. */
export function sentence(text: string): string {
	const end = text.search(/[.!?](\s|$)|[。！？]/);

	return end === -1 ? text : text.slice(0, end + 1);
}

/* What the daemon wrote with UTC times in it, in the reader's zone. */
export function localTimes(text: string): string {
	return text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, at => clock(at));
}
