/*
 * Drives a real browser for the end-to-end tests: a command per line of JSON on standard input, an
 * answer per line on standard output.  A command is a method of Playwright's page by its dotted name
 * ("goto", "keyboard.press", "context.setOffline"), or one of those below.  What the page did wrong
 * meanwhile (errors in its console, requests to another host) is kept for `seen`.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const quiet = [
	'--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync',
	'--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage',
	'--font-render-hinting=none',
];
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: quiet });

let context;
let page;
let seen;

function watch(base) {
	const host = new URL(base).host;

	seen = { errors: [], elsewhere: [], answers: [] };
	page.on('console', message => {
		if (['error', 'warning'].includes(message.type()))
			seen.errors.push(`${message.text()} (${message.location().url})`);
	});
	page.on('pageerror', error => seen.errors.push(String(error.stack ?? error)));
	page.on('request', request => {
		const url = new URL(request.url());
		if (url.protocol !== 'data:' && url.host !== host)
			seen.elsewhere.push(request.url());
	});
	page.on('response', answer => seen.answers.push([answer.status(), answer.url()]));
}

const own = {
	/* A fresh profile: {base, width, height, scheme, locale, token, storage, reducedMotion}. */
	async open(want) {
		await context?.close();
		context = await browser.newContext({
			viewport: { width: want.width ?? 1280, height: want.height ?? 800 },
			colorScheme: want.scheme ?? 'light',
			locale: want.locale ?? 'en-GB',
			timezoneId: 'UTC',
			reducedMotion: 'reduce',
			permissions: ['clipboard-read', 'clipboard-write'],
		});
		context.setDefaultTimeout(want.limit ?? 30000);
		page = await context.newPage();
		watch(want.base);
		await page.goto(want.base + (want.path ?? '/'));
	},
	/* What axe finds wrong; `levels` of its words. */
	async axe(levels) {
		await page.evaluate(axeSource);
		const found = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
		return found.violations
			.filter(one => levels.includes(one.impact))
			.map(one => `${one.impact} ${one.id}: ${one.help}: ` +
				one.nodes.slice(0, 4).map(node => `${node.target} ${node.failureSummary ?? ''}`).join(' | '));
	},
	/* How far the page is wider than the window, and what sticks out of it. */
	async overflow() {
		return page.evaluate(() => {
			const width = document.documentElement.clientWidth;
			const over = document.documentElement.scrollWidth - width;
			if (over <= 0)
				return [];
			return [...document.querySelectorAll('body *')]
				.filter(node => node.getBoundingClientRect().right > width + 1)
				.slice(0, 5)
				.map(node => `${over} px: ${node.tagName}.${node.className}: ${node.textContent.slice(0, 60)}`);
		});
	},
	/* Nothing in CI has a compositor to wait for: a frame after the next is drawn. */
	async settle() {
		await page.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
	},
	/* Until the expression is true; Playwright's own way would need eval, which the page forbids. */
	async until(expression) {
		const end = Date.now() + 30000;
		while (!await page.evaluate(expression)) {
			if (Date.now() > end)
				throw new Error('it never became true');
			await page.waitForTimeout(30);
		}
	},
	clipboard: () => page.evaluate(() => navigator.clipboard.readText()),
	seen: () => seen,
	async quit() {
		await browser.close();
		process.exit(0);
	},
};

async function run(name, args) {
	if (own[name] !== undefined)
		return own[name](...args);
	const way = name.split('.');
	const method = way.pop();
	const target = way.reduce((at, part) => (part === 'context' ? context : at[part]), page);
	return target[method](...args);
}

for await (const line of createInterface({ input: process.stdin })) {
	const { call, args } = JSON.parse(line);
	let answer;
	try {
		const value = await run(call, args);
		let plain = null;
		try {
			plain = JSON.parse(JSON.stringify(value ?? null));
		} catch {
			plain = null; /* a handle of Playwright's own */
		}
		answer = { value: plain };
	} catch (error) {
		answer = { error: `${call} ${JSON.stringify(args)}: ${error.message}`, seen };
	}
	process.stdout.write(`${JSON.stringify(answer)}\n`);
}
await browser.close();
