/* Words of the view `check`: [English, Chinese]. */
import type { Pair } from '../words';

export const words = {
	'check.title': ['check', 'check'],
} as const satisfies Record<string, Pair>;
