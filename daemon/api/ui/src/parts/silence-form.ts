/* A new silence: what it takes in, with a preview of what fits now, for how long, why, by whom. */
import { Problem, send } from '../api';
import { h, replace, text, type Child } from '../dom';
import { clock } from '../format';
import { live } from '../live';
import { fitsCheckAtAll, fitsIncident, isEmpty, pairs, words } from '../match';
import { toCheck, toIncident } from '../route';
import type { Match, Severity, Silence } from '../types';
import { t, type Key } from '../words';
import { keepName, name, spans, spanWords } from './forms';
import { whenLoggedIn } from './login';
import { done, failed } from './notice';

const NAMED = 12;
const OTHER = 'other';
const DURATION = /^(\d+(\.\d+)?(ms|s|m|h|d))+$/;
const levels: Severity[] = ['critical', 'warning', 'info'];

interface Field {
	el: HTMLElement;
	input: HTMLInputElement;
	/* Says what is wrong with it; '' nothing. */
	complain(words: string): void;
}

function fieldOf(id: string, label: Key, hint: Key | null, props: Record<string, unknown> = {}): Field {
	const input = h('input', {
		id, type: 'text', autocomplete: 'off', spellcheck: 'false',
		'aria-describedby': `${hint === null ? '' : `${id}-hint `}${id}-error`, ...props,
	});
	const error = h('p', { id: `${id}-error`, class: 'field-error', hidden: true });
	return {
		input,
		el: h('div', { class: 'field' }, h('label', { for: id }, t(label)), input,
			hint !== null && h('p', { id: `${id}-hint`, class: 'hint' }, t(hint)), error),
		complain(words) {
			error.hidden = words === '';
			text(error, words);
			if (words === '')
				input.removeAttribute('aria-invalid');
			else
				input.setAttribute('aria-invalid', 'true');
		},
	};
}

interface Fields {
	check: Field;
	type: Field;
	rule: Field;
	cause: Field;
	labels: Field;
	levels: HTMLInputElement[];
	span: HTMLSelectElement;
	other: Field;
	begins: Field;
	why: Field;
	by: Field;
}

function makeFields(): Fields {
	const span = h('select', { id: 'silence-span', onchange: () => {
		other.el.hidden = span.value !== OTHER;
	} }, spans.map(one => h('option', { value: one, selected: one === '2h' }, spanWords(one))),
	h('option', { value: OTHER }, t('silences.other')));
	const other = fieldOf('silence-other', 'silences.for', 'silences.other-hint');
	other.el.hidden = true;
	return {
		check: fieldOf('silence-check', 'silences.check', 'silences.check-hint', { list: 'silence-names' }),
		type: fieldOf('silence-type', 'silences.types', null, { list: 'silence-types' }),
		rule: fieldOf('silence-rule', 'silences.rules', null),
		cause: fieldOf('silence-cause', 'silences.causes', 'silences.causes-hint'),
		labels: fieldOf('silence-labels', 'silences.labels', 'silences.labels-hint'),
		levels: levels.map(level => h('input', { type: 'checkbox', id: `silence-${level}`, value: level })),
		span, other,
		begins: fieldOf('silence-begins', 'silences.begins', 'silences.begins-hint', { type: 'datetime-local' }),
		why: fieldOf('silence-comment', 'silences.why', null, { maxlength: 1000 }),
		by: fieldOf('silence-by', 'silences.by', null, { maxlength: 100, autocomplete: 'name', value: name() }),
	};
}

function matchOf(fields: Fields): Match {
	const match: Match = {};
	for (const key of ['check', 'type', 'rule', 'cause'] as const) {
		const list = words(fields[key].input.value);
		if (list.length > 0)
			match[key] = list;
	}
	const severity = fields.levels.filter(box => box.checked).map(box => box.value);
	if (severity.length > 0)
		match.severity = severity;
	const labels = pairs(fields.labels.input.value) ?? {};
	if (Object.keys(labels).length > 0)
		match.labels = labels;
	return match;
}

/* ---- what it would do ---- */

function some(list: HTMLElement[], all: number): Child {
	return h('ul', { class: 'fits' }, list.map(one => h('li', null, one)),
		all > list.length && h('li', { class: 'dim' }, t('silences.preview-more', { n: all - list.length })));
}

function previewOf(match: Match): Child {
	if (isEmpty(match))
		return null;
	const checks = [...live.checks.values()].filter(check => fitsCheckAtAll(match, check));
	const incidents = [...live.incidents.values()].filter(one => fitsIncident(match, one));
	const isSome = match.rule !== undefined || match.cause !== undefined || match.severity !== undefined;
	return [
		checks.length === 0 ? h('p', { class: 'warning-words' }, t('silences.preview-none'))
			: checks.length === live.checks.size && checks.length > NAMED
				? h('p', { class: 'warning-words' }, t('silences.preview-all', { n: checks.length }))
				: [h('p', null, t('silences.preview-checks', { n: checks.length })),
					some(checks.slice(0, NAMED).map(check => h('a', { href: toCheck(check.name) }, check.name)), checks.length)],
		isSome && checks.length > 0 && h('p', { class: 'hint' }, t('silences.preview-some')),
		incidents.length > 0 && [h('p', null, t('silences.preview-incidents', { n: incidents.length })),
			some(incidents.slice(0, NAMED).map(one => h('a', { href: toIncident(one.id) }, one.title)), incidents.length)],
	];
}

/* ---- sending it ---- */

/* What can be told without asking; the field that is wrong gets the focus. */
function check(fields: Fields, match: Match): boolean {
	const isOther = fields.span.value === OTHER;
	const wrong: [Field, boolean, Key][] = [
		[fields.labels, pairs(fields.labels.input.value) === null, 'silences.bad-labels'],
		[fields.check, isEmpty(match), 'silences.empty'],
		[fields.other, isOther && !DURATION.test(fields.other.input.value.trim()), 'silences.bad-for'],
	];
	let first: Field | null = null;
	for (const [field, isWrong, key] of wrong) {
		field.complain(isWrong ? t(key) : '');
		first = isWrong ? field : first;
	}
	first?.input.closest('details')?.setAttribute('open', '');
	first?.input.focus();
	return first === null;
}

function bodyOf(fields: Fields, match: Match): Record<string, unknown> {
	const body: Record<string, unknown> = { match };
	const length = fields.span.value === OTHER ? fields.other.input.value.trim() : fields.span.value;
	const begins = fields.begins.input.value;
	const start = begins === '' ? null : new Date(begins);
	body.for = length;
	if (start !== null)
		body.starts_at = start.toISOString();
	for (const [key, field] of [['comment', fields.why], ['by', fields.by]] as const)
		if (field.input.value.trim() !== '')
			body[key] = field.input.value.trim();
	return body;
}

export interface SilenceForm {
	el: HTMLElement;
	refresh(): void; /* what fits may have changed */
}

export function silenceForm(onMade: () => void): SilenceForm {
	const fields = makeFields();
	const preview = h('div', { class: 'preview', role: 'status' });
	const trouble = h('p', { class: 'trouble', role: 'alert', hidden: true });
	const go = h('button', { type: 'submit', class: 'primary' }, t('silences.make'));
	let shown = '';

	const refresh = (): void => {
		const match = matchOf(fields);
		const incidents = [...live.incidents.values()].filter(one => fitsIncident(match, one)).map(one => one.id);
		const key = JSON.stringify([match, incidents, live.checks.size]);
		if (key === shown)
			return;
		shown = key;
		const what = previewOf(match);
		replace(preview, what !== null && [h('h3', null, t('silences.preview')), what]);
	};
	const submit = async (): Promise<void> => {
		const match = matchOf(fields);
		trouble.hidden = true;
		if (!check(fields, match))
			return;
		go.disabled = true;
		try {
			const made = await send<Silence & { warning?: string }>('POST', 'silences', bodyOf(fields, match));
			keepName(fields.by.input.value.trim());
			done(t('silences.made', { time: clock(made.ends_at) }));
			for (const field of [fields.check, fields.type, fields.rule, fields.cause, fields.labels, fields.why, fields.begins])
				field.input.value = '';
			fields.levels.forEach(box => { box.checked = false; });
			refresh();
			onMade();
		} catch (e) {
			if (e instanceof Problem && e.status === 400) {
				trouble.hidden = false;
				text(trouble, e.detail.replace(/^silence:\d+:\d+: error: /, ''));
			} else {
				failed(e);
			}
		} finally {
			go.disabled = false;
		}
	};

	const el = h('form', {
		class: 'form silence-form', novalidate: true, oninput: refresh,
		onsubmit: (event: Event) => {
			event.preventDefault();
			whenLoggedIn(() => void submit());
		},
	},
	h('div', { class: 'form-grid' },
		fields.check.el, fields.type.el,
		h('div', { class: 'field' }, h('label', { for: 'silence-span' }, t('silences.for')), fields.span),
		fields.other.el, fields.why.el, fields.by.el),
	h('details', null, h('summary', null, t('silences.more')),
		h('div', { class: 'form-grid' },
			h('fieldset', { class: 'field' }, h('legend', null, t('silences.severity')),
				fields.levels.map(box => h('span', { class: 'check-line' }, box,
					h('label', { for: box.id }, t(`severity.${box.value as Severity}`))))),
			fields.rule.el, fields.cause.el, fields.labels.el, fields.begins.el)),
	preview, trouble,
	h('div', { class: 'form-end' }, go),
	h('datalist', { id: 'silence-names' }, [...live.checks.keys()].slice(0, 500).map(one => h('option', { value: one }))),
	h('datalist', { id: 'silence-types' }, [...new Set([...live.checks.values()].map(one => one.type))]
		.map(one => h('option', { value: one }))));
	return { el, refresh };
}
