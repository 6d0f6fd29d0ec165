/* Words of the view `silences`: [English, Chinese]. */
import type { Pair } from '../words';

export const words = {
} as const satisfies Record<string, Pair>;
