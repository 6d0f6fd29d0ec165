/* Puts children in an order with the fewest moves, so that focus and scrolling stay where they are. */
export function arrangeChildren(parent: Element, wanted: Element[]): void {
	const keep = new Set(wanted);
	let at: Element | null;

	for (const child of [...parent.children])
		if (!keep.has(child))
			child.remove();
	at = parent.firstElementChild;
	for (const child of wanted) {
		if (child === at)
			at = at.nextElementSibling;
		else
			parent.insertBefore(child, at);
	}
}
