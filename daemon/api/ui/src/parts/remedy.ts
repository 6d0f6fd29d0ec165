/* What to do: numbered steps, commands with a copy button, and a second question before one that destroys. */
import { h, replace } from '../dom';
import type { Step } from '../types';
import { t } from '../words';
import { command, copyButton } from './copy';
import { icon } from './icon';

/* Shown, with its warning; it can be selected and copied only after a second yes. */
function dangerous(words: string): HTMLElement {
	const code = h('code', { tabindex: 0, class: 'is-guarded' }, words);
	const slot = h('span', { class: 'guard' });
	const close = (): void => {
		code.classList.add('is-guarded');
		replace(slot, h('button', {
			class: 'copy', type: 'button', onclick: open,
		}, t('incident.copy-ask'), h('span', { class: 'unseen' }, words)));
	};
	const open = (): void => {
		const yes = copyButton(words);
		const label = yes.querySelector('span');
		code.classList.remove('is-guarded');
		yes.classList.add('is-danger');
		if (label !== null)
			label.textContent = t('incident.copy-anyway');
		replace(slot, yes, h('button', {
			class: 'copy', type: 'button',
			onclick: () => { close(); slot.querySelector('button')?.focus(); },
		}, t('incident.copy-not')));
		yes.focus();
	};
	close();
	return h('div', { class: 'danger' },
		h('p', { class: 'danger-words' }, icon('warning'), t('incident.destructive')),
		h('div', { class: 'command' }, code, slot));
}

function stepOf(step: Step): HTMLElement {
	const hasCommand = step.command !== undefined && step.command !== '';
	return h('li', null,
		h('p', null, step.text),
		hasCommand && (step.destructive === true
			? dangerous(step.command ?? '') : command(step.command ?? '')),
		!hasCommand && step.destructive === true &&
			h('p', { class: 'danger-words' }, icon('warning'), t('incident.destructive')));
}

export function remedy(steps: Step[]): HTMLElement {
	return h('ol', { class: 'steps' }, steps.map(stepOf));
}
