/* A command that can be copied. */
import { h } from '../dom';
import { t } from '../words';
import { failed } from './notice';

/* The clipboard is only for pages over TLS or from this host; the old way works for all. */
export async function copyText(words: string): Promise<boolean> {
	try {
		if (navigator.clipboard !== undefined) {
			await navigator.clipboard.writeText(words);
			return true;
		}
	} catch {
		/* the old way, then */
	}
	const area = h('textarea', { class: 'unseen', readonly: true, value: words });
	document.body.append(area);
	area.select();
	const isDone = document.execCommand('copy');
	area.remove();
	return isDone;
}

export function copyButton(words: string): HTMLButtonElement {
	const label = h('span', { 'aria-live': 'polite' }, t('do.copy'));
	const button = h('button', {
		class: 'copy',
		type: 'button',
		onclick: async () => {
			if (!await copyText(words)) {
				failed(new Error(t('do.copy-failed')));
				return;
			}
			label.textContent = t('do.copied');
			button.classList.add('is-done');
			setTimeout(() => {
				label.textContent = t('do.copy');
				button.classList.remove('is-done');
			}, 2000);
		},
	}, label, h('span', { class: 'unseen' }, words));

	return button;
}

/* The command in a box of its own, with the button. */
export function command(words: string): HTMLElement {
	return h('div', { class: 'command' }, h('code', { tabindex: 0 }, words), copyButton(words));
}
