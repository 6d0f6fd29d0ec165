/* Words of the view `now`: [English, Chinese]. */
import type { Pair } from '../words';

export const words = {
	'now.title': ['now', 'now'],
} as const satisfies Record<string, Pair>;
