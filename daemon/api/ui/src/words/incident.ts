/* Words of the view `incident`: [English, Chinese]. */
import type { Pair } from '../words';

export const words = {
} as const satisfies Record<string, Pair>;
