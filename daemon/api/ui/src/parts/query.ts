/* What stands behind the `?` of the address's fragment: filters that a link can carry. */
export function readQuery(): URLSearchParams {
	const at = location.hash.indexOf('?');
	return new URLSearchParams(at === -1 ? '' : location.hash.slice(at + 1));
}

/* Without a step in the history, and without the router's going there anew. */
export function writeQuery(query: URLSearchParams): void {
	const path = location.hash.split('?')[0] ?? '';
	const words = query.toString();
	history.replaceState(null, '', `${path === '' ? '#/' : path}${words === '' ? '' : `?${words}`}`);
}
