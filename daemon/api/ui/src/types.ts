/*
 * What the API answers, as docs/api.md describes it.  What is not known is null or absent, never 0.
 * Times are RFC 3339; numbers are base units (seconds, bytes, percent).
 */
export type CheckState = 'up' | 'suspect' | 'down' | 'starting' | 'unknown';
export type Severity = 'critical' | 'warning' | 'info';
export type IncidentStatus = 'open' | 'acknowledged' | 'resolved';

export interface Status {
	name: string | null;
	version: string;
	language?: 'en' | 'zh';
	now: string;
	started_at: string;
	uptime: number;
	ready: boolean;
	checks: { total: number } & Record<CheckState, number>;
	incidents: { open: number } & Record<Severity, number>;
	config_path: string | null;
	config_trouble: string | null;
	store_trouble: string | null;
	heartbeat?: Heartbeat | null;
}

export interface Value {
	metric: string;
	value: number;
	unit: string;
	text: string;
}

export interface Fact {
	name: string;
	text: string;
	at?: string | null; // of an incident's: when it was seen
}

export interface Sample {
	outcome: 'ok' | 'fail' | 'error';
	cause: string | null;
	text: string;
	at: string;
	duration: number;
	phases: Record<string, number>;
	values: Record<string, number>;
	units?: Record<string, string>;
	facts: Fact[];
	notes: { cause: string; text: string }[];
}

export interface Check {
	name: string;
	type: string;
	instance: string | null;
	target: string;
	group: string;
	description: string;
	severity: Severity;
	labels: Record<string, string>;
	needs?: string[];
	interval: number;
	timeout: number;
	state: CheckState;
	since: string | null;
	next: string | null;
	running: boolean;
	failures: number;
	runs: number;
	overdue: number;
	blind?: boolean;
	cause: string | null;
	value: Value | null;
	last: Sample | null;
	totals?: (number | null)[];
}

/* What the feed says of a check that changed or ran. */
export interface CheckNews {
	name: string;
	state: CheckState;
	since: string | null;
	next: string | null;
	running: boolean;
	failures: number;
	cause: string | null;
	blind?: boolean;
	value?: Value | null;
	text?: string;
	at?: string;
	total?: number | null;
}

export interface Step {
	text: string;
	command?: string;
	destructive?: boolean;
}

export interface Cause {
	code: string;
	playbook: string;
	title: string;
	explanation: string;
	confidence: '' | 'certain' | 'likely' | 'possible';
	finding?: string;
	for?: string[];
	against?: string[];
}

export interface Impact {
	check: string;
	rule: string;
	since: string;
}

export interface Alert {
	check: string;
	rule: string;
	severity: Severity;
	since: string;
	firing: boolean;
	text: string;
}

export interface Moment {
	at: string;
	kind: string;
	text: string;
	by?: string;
}

/* What a receiver was told of an incident last. */
export interface Delivery {
	receiver: string;
	incident?: string; /* of a receiver's own ledger */
	state: 'open' | 'ended';
	told: string; /* "incident.updated" */
	reason: string;
	notice: string;
	sequence: number;
	first_told_at: string | null;
	told_at: string | null;
	waiting: number;
}

/* What delivery has decided of an incident: muted queued told reminder resting escalation not-routed. */
export interface Wait {
	what: string;
	receiver?: string;
	text: string;
	until?: string;
	tries?: number;
	error?: string;
}

export interface Incident {
	id: string;
	status: IncidentStatus;
	severity: Severity;
	host: string;
	title: string;
	summary: string;
	check: string;
	type: string;
	target: string;
	rule: string;
	cause: Cause;
	impact: Impact[];
	facts: Fact[];
	remedy: Step[];
	values: Record<string, number>;
	labels: Record<string, string>;
	runbook_url: string;
	url: string;
	started_at: string;
	detected_at: string;
	acknowledged_at: string | null;
	resolved_at: string | null;
	duration: number;
	acknowledged_by?: string;
	acknowledged_note?: string;
	acknowledged_until?: string;
	quiet_since?: string;
	related?: { id: string; text: string }[];
	/* Only of one incident asked for by its id. */
	alerts?: Alert[];
	timeline?: Moment[];
	sequence?: number;
	reopened?: number;
	flapping?: boolean;
	deliveries?: Delivery[];
	decisions?: Wait[];
	merged_into?: string | null;
}

/* All keys that are there must hold; the texts are globs. */
export interface Match {
	check?: string[];
	type?: string[];
	rule?: string[];
	cause?: string[];
	labels?: Record<string, string>; /* after ~ a regular expression */
	severity?: string[];
	min_severity?: string;
}

export interface Silence {
	id: string;
	match: Match;
	starts_at: string;
	ends_at: string;
	made_at: string;
	by?: string;
	comment?: string;
	state: 'active' | 'pending' | 'expired';
}

/* Planned work, as configured. */
export interface Maintenance {
	match: Match;
	schedule?: string;
	timezone?: string;
	reason?: string;
	active: boolean;
	ends_at?: string;
	starts_at?: string;
}

export interface Quiet {
	silences: Silence[];
	maintenance: Maintenance[];
}

export interface Decision {
	who: string;
	what: string;
	text: string;
	rule?: string;
	until?: string;
}

/* [unix seconds, average, least, most, how many] */
export type Point = [number, number, number, number, number];

export interface Series {
	check: string;
	since: string;
	until: string;
	step: number;
	series: { metric: string; unit: string; kept?: boolean; points: Point[] }[];
}

export interface Uptime {
	check: string;
	windows: {
		span: '24h' | '7d' | '30d' | '90d';
		known_seconds: number;
		up_ratio?: number;
		down_seconds: number;
		incidents: number;
	}[];
}

export interface Threshold {
	severity: Severity;
	metric: string;
	op: string;
	value: number;
	unit: string;
}

export interface RuleStanding {
	name: string;
	state: 'quiet' | 'pending' | 'firing' | 'clearing' | 'no_data';
	severity: Severity;
	since?: string;
	summary?: string;
	levels: { severity: Severity; expr: string; for: number; for_samples?: number; clear?: string }[];
	thresholds: Threshold[];
}

export interface Letter {
	notice: string;
	type: string;
	severity: Severity;
	sequence: number;
	created_at: string;
	next_try_at: string | null;
	tries: number;
	state: 'in flight' | 'waiting';
	events: number;
	incident?: string;
	incidents?: number; /* of a digest */
}

export interface Receiver {
	name: string;
	type: string;
	description: string;
	target: string;
	state: string;
	queued: number;
	in_flight: number;
	oldest_at: string | null;
	next_try_at: string | null;
	waits_for: string;
	sent: number;
	failed: number;
	failed_by: Record<string, number>;
	failures_in_a_row: number;
	given_up: number;
	last_success_at: string | null;
	last_error: string;
	latency: { count: number; mean: number; p50: number; p99: number; max: number } | null;
	next_daily_test_at: string | null;
	/* Only of one asked for by its name. */
	queue?: Letter[];
	queue_total?: number;
	ledger?: Delivery[];
	ledger_total?: number;
}

export interface Route {
	match: Match;
	to: string[];
	escalate: { after: number; to: string[] }[];
	group_wait: number;
	repeat_interval: number;
	send_resolved: boolean;
	continue: boolean;
	resting: boolean;
	begins_at?: string;
}

export interface Heartbeat {
	silent_because: string | null;
	left_out: number;
	places: {
		target: string;
		form: string;
		last_success_at: string | null;
		sent: number;
		failed: number;
		last_error: string;
	}[];
}
