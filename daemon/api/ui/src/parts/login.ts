/* Logging in: a token in this browser, from the link that `triage dashboard` prints, or pasted. */
import { setToken, token } from '../api';
import { h } from '../dom';
import { t } from '../words';
import { command } from './copy';
import { ask } from './dialog';
import { done } from './notice';

export function openLogin(wasRefused = false): void {
	const input = h('input', {
		type: 'password', id: 'token', name: 'token', autocomplete: 'off', spellcheck: 'false', required: true,
	});

	ask(t('login.title'), [
		wasRefused && token() !== null ? h('p', { class: 'trouble' }, t('login.refused')) : null,
		h('p', null, t('login.why')),
		h('p', null, t('login.how')),
		command('triage dashboard'),
		h('label', { for: 'token' }, t('login.paste')),
		input,
	], t('login.in'), async () => {
		setToken(input.value.trim());
		document.dispatchEvent(new Event('login'));
		done(t('login.done'));
	});
}

export function logOut(): void {
	setToken(null);
	document.dispatchEvent(new Event('login'));
	done(t('login.gone'));
}

/* Runs what needs the token; asks for it first where there is none. */
export function whenLoggedIn(fn: () => void): void {
	if (token() === null)
		openLogin();
	else
		fn();
}

