/*
 * The signs of states and severities.  Each has a shape of its own, so that none is told by colour
 * alone; the word always stands beside it, which is why they are hidden from screen readers.
 */
import { svg } from '../dom';

const ring = 'M8 1.5a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13z';

/* `fill` is the body in the state's colour, `line` the mark on it. */
const shapes: Record<string, { fill?: string; line?: string; outline?: string }> = {
	up: { fill: ring, line: 'M5 8.2l2.1 2.1L11 6' },
	suspect: { outline: ring, fill: 'M8 1.5a6.5 6.5 0 0 1 0 13z' },
	down: { fill: 'M5.2 1.2h5.6l4 4v5.6l-4 4H5.2l-4-4V5.2z', line: 'M5.6 5.6l4.8 4.8m0-4.8l-4.8 4.8' },
	critical: { fill: 'M5.2 1.2h5.6l4 4v5.6l-4 4H5.2l-4-4V5.2z', line: 'M5.6 5.6l4.8 4.8m0-4.8l-4.8 4.8' },
	warning: { fill: 'M8 1.2l7.2 13.3H.8z', line: 'M8 6v4m0 1.9v.3' },
	info: { fill: 'M2.5 1.5h11a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1h-11a1 1 0 0 1-1-1v-11a1 1 0 0 1 1-1z', line: 'M8 7.2v4M8 4.4v.3' },
	starting: { outline: ring, line: 'M8 4.5V8l2.4 1.6' },
	unknown: { outline: ring, line: 'M6.2 6.3a1.8 1.8 0 1 1 2.5 1.6c-.5.2-.7.5-.7 1.1m0 1.8v.3' },
	waiting: { outline: ring, line: 'M5 8h.3m2.6 0h.3m2.6 0h.3' },
	open: { outline: ring, line: 'M8 7.9v.2' },
	acknowledged: { outline: ring, line: 'M5 8.2l2.1 2.1L11 6' },
	resolved: { fill: ring, line: 'M5 8.2l2.1 2.1L11 6' },
};

export function icon(name: string): SVGElement {
	const shape = shapes[name] ?? shapes.unknown!;

	return svg('svg', { class: `icon is-${name}`, viewBox: '0 0 16 16', 'aria-hidden': 'true', focusable: 'false' },
		shape.outline !== undefined && svg('path', { class: 'icon-outline', d: shape.outline }),
		shape.fill !== undefined && svg('path', { class: 'icon-fill', d: shape.fill }),
		shape.line !== undefined && svg('path', {
			class: shape.fill === undefined ? 'icon-line on-nothing' : 'icon-line', d: shape.line,
		}));
}
