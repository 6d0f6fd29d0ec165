/* Words of the view `receivers`: [English, Chinese]. */
import type { Pair } from '../words';

export const words = {
} as const satisfies Record<string, Pair>;
