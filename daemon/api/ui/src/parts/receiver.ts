/* One receiver: how it fares, what waits for it and why; its queue and ledger when unfolded; its test. */
import { get, part, send } from '../api';
import { h, replace, type Child } from '../dom';
import { took } from '../format';
import { live } from '../live';
import { toIncident } from '../route';
import { toldWords, waitsWords } from '../told';
import type { Delivery, Letter, Receiver } from '../types';
import { t, word } from '../words';
import { ago, until } from './age';
import { show } from './dialog';
import { icon } from './icon';
import { whenLoggedIn } from './login';
import { failed } from './notice';
import { here, within } from './within';

const signs: Record<string, string> = {
	ok: 'up', idle: 'waiting', retrying: 'suspect', failing: 'down', disabled: 'down', off: 'waiting',
};

export const signOf = (state: string): string => signs[state] ?? 'unknown';

/* ---- queue and ledger ---- */

function incidentLink(id: string): HTMLElement {
	return h('a', { href: toIncident(id) }, live.incidents.get(id)?.title ?? h('span', { class: 'mono' }, id));
}

/* Those of one incident go one after the other. */
function whenNext(letter: Letter, isBehind: boolean): Child {
	if (letter.state === 'in flight')
		return t('receivers.in-flight');
	if (isBehind)
		return h('span', { class: 'dim' }, t('receivers.behind'));
	return letter.next_try_at === null ? t('age.now') : until(letter.next_try_at);
}

function letterRow(letter: Letter, n: number, all: Letter[]): HTMLElement {
	const isBehind = letter.incident !== undefined &&
		all.slice(0, n).some(one => one.incident === letter.incident);
	const event = letter.type.replace(/^incident\./, '');
	return h('tr', null,
		h('th', { scope: 'row' }, word('told', event), letter.events > 1 && ` ×${letter.events}`),
		h('td', { 'data-label': t('receivers.incident') }, letter.incident === undefined
			? t('receivers.digest', { n: letter.incidents ?? 0 }) : incidentLink(letter.incident)),
		h('td', { 'data-label': t('receivers.made') }, ago(letter.created_at)),
		h('td', { 'data-label': t('receivers.tries'), class: 'num-left' }, String(letter.tries)),
		h('td', { 'data-label': t('receivers.next') }, whenNext(letter, isBehind)));
}

function tellingRow(told: Delivery): HTMLElement {
	return h('tr', null,
		h('th', { scope: 'row' }, incidentLink(told.incident ?? '')),
		h('td', { 'data-label': t('receivers.told') }, toldWords(told)),
		h('td', { 'data-label': t('receivers.when') }, ago(told.told_at)),
		h('td', { 'data-label': t('receivers.next') }, h('span', { class: 'dim' },
			told.waiting > 0 ? t('receivers.waiting', { n: told.waiting })
				: t(told.state === 'open' ? 'receivers.not-over' : 'receivers.over'))));
}

function table(heads: string[], rows: HTMLElement[], all: number): HTMLElement[] {
	const shown = h('table', { class: 'table stacks' },
		h('thead', null, h('tr', null, heads.map(head => h('th', { scope: 'col' }, head)))),
		h('tbody', null, rows));
	return rows.length < all
		? [shown, h('p', { class: 'hint' }, t('receivers.shown', { n: rows.length, all }))] : [shown];
}

function insideOf(receiver: Receiver): Child[] {
	const queue = receiver.queue ?? [];
	const ledger = receiver.ledger ?? [];
	return [
		h('h3', null, t('receivers.queue')),
		queue.length === 0 ? h('p', { class: 'dim' }, t('receivers.queue-none'))
			: table([t('receivers.message'), t('receivers.incident'), t('receivers.made'), t('receivers.tries'),
				t('receivers.next')], queue.map(letterRow), receiver.queue_total ?? 0),
		h('h3', null, t('receivers.ledger')),
		ledger.length === 0 ? h('p', { class: 'dim' }, t('receivers.ledger-none'))
			: table([t('receivers.incident'), t('receivers.told'), t('receivers.when'), t('receivers.next')],
				ledger.map(tellingRow), receiver.ledger_total ?? 0),
	];
}

/* ---- the test ---- */

interface Verdict {
	ok: boolean;
	text: string;
	transcript: string;
}

function tellVerdict(name: string, verdict: Verdict): void {
	show(t('receivers.test-of', { name }), [h('div', { class: 'verdict' },
		h('p', { class: `verdict-line is-${verdict.ok ? 'up' : 'critical'}`, role: 'status' },
			icon(verdict.ok ? 'up' : 'critical'),
			h('strong', null, t(verdict.ok ? 'receivers.test-ok' : 'receivers.test-failed'))),
		h('p', null, verdict.text),
		verdict.transcript !== '' && h('h3', { id: 'transcript' }, t('receivers.transcript')),
		verdict.transcript !== '' && h('pre', { class: 'transcript', tabindex: 0, role: 'region', 'aria-labelledby': 'transcript' },
			verdict.transcript.trimEnd().split('\n').map(line => h('span', {
				class: line.startsWith('>') ? 'is-sent' : line.startsWith('<') ? 'is-heard' : null,
			}, `${line}\n`))))]);
}

function testButton(name: string, onTested: () => void): HTMLElement {
	let isBusy = false;
	const button = h('button', { type: 'button', 'aria-label': `${t('receivers.test')}: ${name}`, onclick: () =>
		whenLoggedIn(async () => {
			if (isBusy)
				return;
			isBusy = true; /* not disabled: it would lose the focus that it gets back from the dialog */
			button.setAttribute('aria-disabled', 'true');
			button.textContent = t('receivers.testing');
			try {
				tellVerdict(name, await send<Verdict>('POST', `receivers/${part(name)}/test`));
				onTested();
			} catch (e) {
				failed(e);
			} finally {
				isBusy = false;
				button.removeAttribute('aria-disabled');
				button.textContent = t('receivers.test');
			}
		}) }, t('receivers.test'));
	return button;
}

/* ---- the card ---- */

function failuresOf(receiver: Receiver): string {
	const by = Object.entries(receiver.failed_by).filter(([, n]) => n > 0)
		.map(([name, n]) => `${word('class', name)} ${n}`);
	return by.length === 0 ? String(receiver.failed) : `${receiver.failed} (${by.join(t('list.comma'))})`;
}

function numbers(receiver: Receiver): HTMLElement {
	const rows: [string, Child][] = [
		[t('receivers.taken'), [String(receiver.sent), receiver.last_success_at !== null &&
			h('span', { class: 'dim' }, t('list.comma'), ago(receiver.last_success_at))]],
		[t('receivers.failures'), failuresOf(receiver)],
	];
	if (receiver.given_up > 0)
		rows.push([t('receivers.given-up'), String(receiver.given_up)]);
	if (receiver.latency !== null)
		rows.push([t('receivers.latency'), t('receivers.latency-words', {
			p50: took(receiver.latency.p50), p99: took(receiver.latency.p99) })]);
	if (receiver.next_daily_test_at !== null)
		rows.push([t('receivers.daily'), until(receiver.next_daily_test_at)]);
	return h('dl', { class: 'facts-line' }, rows.map(([name, value]) =>
		h('div', null, h('dt', null, name), h('dd', null, value))));
}

function troubleOf(receiver: Receiver): Child[] {
	const waits = waitsWords(receiver.waits_for);
	return [
		receiver.queued > 0 && h('p', { class: 'waits' },
			h('strong', null, t('receivers.waiting', { n: receiver.queued })),
			receiver.oldest_at !== null && [t('list.comma'), within(t('receivers.oldest', { age: here }), ago(receiver.oldest_at))],
			waits !== '' && [t('list.semicolon'), waits],
			receiver.next_try_at !== null && [t('list.semicolon'), within(t('receivers.next-try', { age: here }), until(receiver.next_try_at))]),
		receiver.last_error !== '' && h('p', { class: 'last-error' },
			h('span', { class: 'dim' }, t('receivers.last-error'), t('list.colon')),
			h('span', { class: receiver.failures_in_a_row > 0 ? 'error-words' : 'dim' }, receiver.last_error)),
	];
}

export interface ReceiverCard {
	el: HTMLElement;
	unfold(): void;
	show(receiver: Receiver): void;
}

export function receiverCard(name: string, onTested: () => void): ReceiverCard {
	const id = `receiver-${name}`;
	const head = h('div', { class: 'receiver-head' });
	const body = h('div', { class: 'receiver-body' });
	const inside = h('div', { class: 'fold-inside' });
	const test = testButton(name, onTested);
	const fold = h('details', { class: 'fold' }, h('summary', null, t('receivers.details'),
		h('span', { class: 'unseen' }, ` ${name}`)), inside);
	let shown = '', shownInside = '', isReading = false;

	const readInside = async (): Promise<void> => {
		if (isReading || !fold.open)
			return;
		isReading = true;
		try {
			const whole = await get<Receiver>(`receivers/${part(name)}`);
			const key = JSON.stringify([whole.queue, whole.ledger, [...live.incidents.keys()]]);
			if (key !== shownInside)
				replace(inside, insideOf(whole));
			shownInside = key;
		} catch (e) {
			replace(inside, h('p', { class: 'trouble' }, e instanceof Error ? e.message : String(e)));
		} finally {
			isReading = false;
		}
	};
	fold.addEventListener('toggle', () => void readInside());
	return {
		el: h('li', { class: 'card receiver', 'aria-labelledby': id },
			h('div', { class: 'receiver-top' }, head, test), body, fold),
		unfold() {
			fold.open = true;
		},
		show(receiver) {
			const key = JSON.stringify(receiver);
			void readInside();
			if (key === shown)
				return;
			shown = key;
			replace(head,
				h('span', { class: `badge is-${signOf(receiver.state)}` }, icon(signOf(receiver.state)),
					h('span', { class: 'badge-word' }, word('receiver-state', receiver.state))),
				h('h2', { id }, receiver.name),
				h('span', { class: 'tag' }, receiver.type),
				h('span', { class: 'mono dim target' }, receiver.target));
			replace(body,
				receiver.description !== '' && h('p', { class: 'dim' }, receiver.description),
				receiver.state === 'off' && h('p', { class: 'dim' }, t('receivers.disabled')),
				troubleOf(receiver),
				receiver.state !== 'off' && numbers(receiver));
			test.hidden = fold.hidden = receiver.state === 'off';
		},
	};
}
