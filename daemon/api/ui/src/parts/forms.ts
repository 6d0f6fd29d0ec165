/* Acknowledging and silencing, from wherever an incident or a check is shown. */
import { part, send } from '../api';
import { h } from '../dom';
import { clock } from '../format';
import { live } from '../live';
import type { Incident, Silence } from '../types';
import { t } from '../words';
import { ask } from './dialog';
import { whenLoggedIn } from './login';
import { done, failed } from './notice';

const NAME_KEY = 'triaged.name';
export const spans = ['30m', '1h', '2h', '4h', '8h', '24h', '3d', '7d'];

/* "2h" in words. */
export function spanWords(text: string): string {
	const n = Number.parseInt(text, 10);
	const units = { m: 'time.min', h: 'time.h', d: 'time.d' } as const;

	return t(units[text.slice(-1) as 'm' | 'h' | 'd'], { n });
}

export function field(id: string, label: string, input: HTMLElement): HTMLElement {
	input.id = id;
	return h('div', { class: 'field' }, h('label', { for: id }, label), input);
}

function spanSelect(chosen: string, ...more: HTMLElement[]): HTMLSelectElement {
	return h('select', null, more,
		spans.map(one => h('option', { value: one, selected: one === chosen }, spanWords(one))));
}

export function name(): string {
	try {
		return localStorage.getItem(NAME_KEY) ?? '';
	} catch {
		return '';
	}
}

export function keepName(to: string): void {
	try {
		localStorage.setItem(NAME_KEY, to);
	} catch {
		/* asked again next time */
	}
}

export function openAck(incident: Incident): void {
	whenLoggedIn(() => {
		const by = h('input', { type: 'text', maxlength: 100, autocomplete: 'name', value: name() });
		const note = h('textarea', { rows: 2, maxlength: 1000 });
		const span = spanSelect('', h('option', { value: '' }, t('ack.until-end')));
		const sticky = h('input', { type: 'checkbox', id: 'ack-sticky' });

		ask(t('ack.title'), [
			h('p', { class: 'form-about' }, incident.title),
			field('ack-by', t('ack.by'), by),
			field('ack-for', t('ack.for'), span),
			field('ack-note', t('ack.note'), note),
			h('p', { class: 'check-line' }, sticky, h('label', { for: 'ack-sticky' }, t('ack.sticky'))),
			h('p', { class: 'hint' }, t('ack.what')),
		], t('do.ack'), async () => {
			const body: Record<string, string | boolean> = {};
			if (by.value.trim() !== '')
				body.by = by.value.trim();
			if (note.value.trim() !== '')
				body.note = note.value.trim();
			if (span.value !== '')
				body.for = span.value;
			if (sticky.checked)
				body.sticky = true;
			keepName(by.value.trim());
			live.takeIncident(await send<Incident>('POST', `incidents/${part(incident.id)}/ack`, body));
			done(t('ack.done', { title: incident.title }));
		});
	});
}

export function takeBackAck(incident: Incident): void {
	whenLoggedIn(async () => {
		try {
			live.takeIncident(await send<Incident>('DELETE', `incidents/${part(incident.id)}/ack`));
			done(t('ack.undone', { title: incident.title }));
		} catch (e) {
			failed(e);
		}
	});
}

/* `match` is a route's, such as { check: 'db*' }; `label` says it in words. */
export function openSilence(match: Record<string, unknown>, label: string): void {
	whenLoggedIn(() => {
		const by = h('input', { type: 'text', maxlength: 100, autocomplete: 'name', value: name() });
		const why = h('textarea', { rows: 2, maxlength: 1000 });
		const span = spanSelect('2h');

		ask(t('silence.title', { name: label }), [
			field('silence-for', t('ack.for'), span),
			field('silence-why', t('silence.comment'), why),
			field('silence-by', t('ack.by'), by),
			h('p', { class: 'hint' }, t('silence.what')),
		], t('do.silence'), async () => {
			const body: Record<string, unknown> = { match, for: span.value };
			if (by.value.trim() !== '')
				body.by = by.value.trim();
			if (why.value.trim() !== '')
				body.comment = why.value.trim();
			keepName(by.value.trim());
			const made = await send<Silence>('POST', 'silences', body);
			document.dispatchEvent(new Event('silences'));
			done(t('silence.done', { name: label, time: clock(made.ends_at) }));
		});
	});
}
