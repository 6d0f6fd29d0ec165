/*
 * Words with something in them that is more than text, such as a time that goes on: the words are
 * made with `here` in the place of an argument, and `within` puts the element there.
 */
import { h, type Child } from '../dom';

export const here = '\u0001';

export function within(words: string, child: Child): Child[] {
	const [before, after] = words.split(here);
	return [before, after === undefined ? null : child, after];
}

/* Words with `code` in them. */
export function coded(words: string): Child[] {
	return words.split('`').map((part, n) => (n % 2 === 1 ? h('code', null, part) : part));
}
