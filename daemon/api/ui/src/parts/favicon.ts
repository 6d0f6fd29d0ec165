/* The tab's sign: the overall state's shape and colour, with the count of what is open. */
const colours: Record<string, string> = {
	up: '#1a7f4b', critical: '#c62828', warning: '#b26a00', acknowledged: '#4a5f8a',
	suspect: '#b26a00', unknown: '#6b7280', waiting: '#6b7280', starting: '#6b7280',
};

const bodies: Record<string, string> = {
	up: '<circle cx="16" cy="16" r="15"/>',
	critical: '<path d="M10 1h12l9 9v12l-9 9H10l-9-9V10z"/>',
	warning: '<path d="M16 1l15.500 29H.5z"/>',
};

const marks: Record<string, string> = {
	up: '<path d="M9 17l5 5 9-11" fill="none" stroke="#fff" stroke-width="3.600"/>',
	suspect: '<path d="M16 8v10m0 5v1" fill="none" stroke="#fff" stroke-width="4"/>',
	waiting: '<path d="M8 16h2m5 0h2m5 0h2" fill="none" stroke="#fff" stroke-width="4"/>',
	starting: '<path d="M16 8v9l6 4" fill="none" stroke="#fff" stroke-width="3.600"/>',
	acknowledged: '<path d="M9 17l5 5 9-11" fill="none" stroke="#fff" stroke-width="3.600"/>',
};

function number(open: number, y: number): string {
	const label = open > 9 ? '9+' : String(open);

	return `<text x="16" y="${y}" font-family="sans-serif" font-weight="700" text-anchor="middle" ` +
		`font-size="${label.length > 1 ? 15 : 20}" fill="#fff">${label}</text>`;
}

export function favicon(sign: string, open: number): string {
	const mark = marks[sign] ?? (open > 0 ? number(open, sign === 'warning' ? 27 : 23)
		: '<text x="16" y="23" font-family="sans-serif" font-weight="700" text-anchor="middle" font-size="20" fill="#fff">?</text>');
	const image = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><g fill="${colours[sign] ?? colours.unknown}">` +
		`${bodies[sign] ?? bodies.up}</g>${mark}</svg>`;

	return `data:image/svg+xml,${encodeURIComponent(image)}`;
}

let shown = '';

export function setFavicon(sign: string, open: number): void {
	const key = `${sign} ${open}`;
	const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]');

	if (key === shown || link === null)
		return;
	shown = key;
	link.href = favicon(sign, open);
}
