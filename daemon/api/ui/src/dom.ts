/*
 * Elements made in one expression.  Text goes in as text nodes only, so that nothing which a
 * target, a log line or a label says can become markup.
 */
export type Child = Node | string | number | null | undefined | false | Child[];
export type Props = Record<string, unknown>;

/* These are the element's own, not its markup's. */
const live = new Set(['value', 'checked', 'disabled', 'hidden', 'indeterminate', 'tabIndex']);

function set(el: Element, name: string, value: unknown): void {
	if (value === undefined || value === null)
		return;
	if (name.startsWith('on') && typeof value === 'function')
		el.addEventListener(name.slice(2), value as EventListener);
	else if (name === 'style' && typeof value === 'object')
		for (const [key, text] of Object.entries(value as Record<string, string>))
			(el as HTMLElement).style.setProperty(key, text);
	else if (live.has(name) && name in el)
		(el as unknown as Record<string, unknown>)[name] = value;
	else if (value === true)
		el.setAttribute(name, '');
	else if (value !== false)
		el.setAttribute(name, String(value));
}

function put(el: Element, children: Child[]): void {
	for (const child of children) {
		if (Array.isArray(child))
			put(el, child);
		else if (child instanceof Node)
			el.append(child);
		else if (child !== null && child !== undefined && child !== false)
			el.append(String(child));
	}
}

/*
 * h('a', { class: 'x', href: '#/', onclick: fn }, 'text', more).  A property that is null, undefined
 * or false is left out; a function under a name with `on` before it listens.
 */
export function h<K extends keyof HTMLElementTagNameMap>(
	tag: K, props?: Props | null, ...children: Child[]): HTMLElementTagNameMap[K] {
	const el = document.createElement(tag);
	for (const [name, value] of Object.entries(props ?? {}))
		set(el, name, value);
	put(el, children);
	return el;
}

/* The same for SVG. */
export function svg<K extends keyof SVGElementTagNameMap>(
	tag: K, props?: Props | null, ...children: Child[]): SVGElementTagNameMap[K] {
	const el = document.createElementNS('http://www.w3.org/2000/svg', tag);
	for (const [name, value] of Object.entries(props ?? {}))
		set(el, name, value);
	put(el, children);
	return el;
}

/* Puts `children` in the place of all that `el` has. */
export function replace(el: Element, ...children: Child[]): void {
	el.replaceChildren();
	put(el, children);
}

/* Writes only what differs: a text that is read aloud or selected is left alone. */
export function text(el: Element, words: string): void {
	if (el.textContent !== words)
		el.textContent = words;
}
