/* The view `map`. */
import { h, replace } from '../dom';
import { t } from '../words';

export function view(root: HTMLElement, _arg: string): () => void {
	replace(root, h('h1', { tabindex: -1 }, t('page.soon')));
	return () => undefined;
}
