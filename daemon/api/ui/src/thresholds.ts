/*
 * Which limits of a check's rules are drawn into a plot: those where the rule fires by this metric
 * alone.  In `a > 1 and b > 2` neither does; a guard such as `not failing(this) and a > 1` is no
 * second measure.  Pure.
 */
import { quantity } from './format';
import type { PlotThreshold } from './plot';
import type { RuleStanding } from './types';
import { word } from './words';

/* At the words `or` or `and` outside of parentheses. */
function split(expression: string, at: 'or' | 'and'): string[] {
	const parts: string[] = [];
	let depth = 0;
	let begin = 0;

	for (let i = 0; i < expression.length; i++) {
		if (expression[i] === '(')
			depth++;
		else if (expression[i] === ')')
			depth--;
		else if (depth === 0 && expression.slice(i).match(/^\s(or|and)\s/)?.[1] === at) {
			parts.push(expression.slice(begin, i));
			begin = i + at.length + 1;
		}
	}
	return [...parts, expression.slice(begin)].map(one => one.trim());
}

/* "(a and b)" -> "a and b" */
function bare(expression: string): string {
	const inner = /^\((.*)\)$/s.exec(expression)?.[1];
	let depth = 0;

	for (const c of inner ?? ')') {
		depth += c === '(' ? 1 : c === ')' ? -1 : 0;
		if (depth < 0)
			return expression;
	}
	return bare(inner ?? '');
}

/* The comparisons that make the whole true by themselves. */
export function sufficient(expression: string): string[] {
	return split(bare(expression.trim()), 'or').flatMap(one => {
		const measures = split(bare(one), 'and').filter(part => /[<>=]/.test(part));

		if (measures.length !== 1)
			return [];
		return split(bare(measures[0]!), 'or').length > 1 ? sufficient(measures[0]!) : measures;
	});
}

function names(comparison: string, metric: string): boolean {
	return new RegExp(`(^|[^\\w])${metric.replace(/[^\w]/g, '\\$&')}([^\\w]|$)`).test(comparison);
}

/* One for each level and value. */
export function thresholdsOf(rules: RuleStanding[], metrics: string[]): PlotThreshold[] {
	const found = new Map<string, PlotThreshold>();

	for (const rule of rules)
		for (const one of rule.thresholds) {
			const level = rule.levels.find(some => some.severity === one.severity);
			const isAlone = sufficient(level?.expr ?? '').some(part => names(part, one.metric));

			if (metrics.includes(one.metric) && isAlone)
				found.set(`${one.metric} ${one.value} ${one.severity}`, {
					value: one.value,
					severity: one.severity,
					label: `${rule.name}: ${word('severity', one.severity)} ${one.op} ${quantity(one.value, one.unit)}`,
				});
		}
	return [...found.values()];
}
