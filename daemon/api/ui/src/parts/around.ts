/* Plots around a breach: what the rule looks at, before and while it is broken. */
import { h, replace } from '../dom';
import type { Incident } from '../types';
import { t } from '../words';

export function drawAround(el: HTMLElement, incident: Incident): () => void {
	replace(el, h('p', { class: 'dim' }, t('incident.no-plots', { name: incident.check })));
	return () => undefined;
}
