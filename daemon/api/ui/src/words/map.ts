/* Words of the view `map`: [English, Chinese]. */
import type { Pair } from '../words';

export const words = {
} as const satisfies Record<string, Pair>;
