/* A question in front of the page: the browser's own modal, so that focus and Esc are right. */
import { Problem } from '../api';
import { h } from '../dom';
import { t } from '../words';
import { openLogin } from './login';

/*
 * Shows `body` under `title`; `submit` does the work and the dialog goes away unless it throws,
 * whose words are then shown in it; but a token that was refused leads to logging in.
 */
export function ask(title: string, body: (HTMLElement | null)[], label: string, submit: () => Promise<void>): void {
	const trouble = h('p', { class: 'trouble', role: 'alert', hidden: true });
	const go = h('button', { type: 'submit', class: 'primary' }, label);
	const form = h('form', {
		class: 'form',
		onsubmit: async (event: Event) => {
			event.preventDefault();
			go.disabled = true;
			trouble.hidden = true;
			try {
				await submit();
				close();
			} catch (e) {
				if (e instanceof Problem && e.needsLogin) {
					close();
					openLogin(true);
					return;
				}
				trouble.textContent = e instanceof Error ? e.message : String(e);
				trouble.hidden = false;
			} finally {
				go.disabled = false;
			}
		},
	}, body, trouble, h('div', { class: 'form-end' },
		h('button', { type: 'button', onclick: () => close() }, t('do.cancel')), go));
	const close = show(title, [form]);
}

/* Shows `body` until it is closed; returns what closes it. */
export function show(title: string, body: HTMLElement[]): () => void {
	const id = `dialog-${Math.random().toString(36).slice(2, 8)}`;
	const box = h('dialog', { class: 'dialog', 'aria-labelledby': id, onclose: () => box.remove() },
		h('header', { class: 'dialog-head' },
			h('h2', { id }, title),
			h('button', { class: 'plain', type: 'button', 'aria-label': t('do.close'), onclick: () => box.close() }, '×')),
		body);

	document.body.append(box);
	box.showModal();
	return () => box.close();
}
