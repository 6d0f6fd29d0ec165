"""The soak's report: a page with verdicts and plots (SVG), made from the samples it took."""
import json

WIDTH, HEIGHT, LEFT, TOP = 720, 180, 70, 24
PLOTS = (
    ("memory", "Memory of the daemon", "MB", (("PSS", "pss_kb", 1e-3),
                                              ("RSS", "process_resident_memory_bytes", 1e-6))),
    ("files", "File descriptors and threads", "", (("descriptors", "process_open_fds", 1),
                                                   ("threads", "process_threads", 1))),
    ("lag", "Longest turn of the loop in the last ten seconds", "ms",
     (("turn", "triaged_loop_lag_max_seconds", 1e3),)),
    ("runs", "Probe runs in flight", "", (("runs", "triaged_runs_active", 1),)),
    ("outbox", "Notices that wait", "", (("notices", "triaged_outbox_depth", 1),)),
)
WELL = {True: "yes", False: "**no**", None: "not told"}
COLOURS = ("#2563eb", "#d97706")


def nice(value):
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}"


def thin(points, most=600):
    step = max(1, len(points) // most)
    return points[::step]


def plot(title, unit, lines, hours):
    """One SVG: lines = [(name, [(hour, value)])], from 0 up."""
    top = max((v for _, points in lines for _, v in points), default=0) or 1
    inner_w, inner_h = WIDTH - LEFT - 20, HEIGHT - TOP - 30

    def place(hour, value):
        return (f"{LEFT + inner_w * hour / hours:.1f},"
                f"{TOP + inner_h * (1 - value / (top * 1.1)):.1f}")
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
           'font-family="sans-serif" font-size="11">',
           f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>',
           f'<text x="{LEFT}" y="15" font-size="13">{title}{f", {unit}" if unit else ""}</text>']
    for part in (0, 0.5, 1):
        y = place(0, top * part).split(",")[1]
        out.append(f'<path d="M{LEFT} {y}H{WIDTH - 20}" stroke="#d4d4d8"/>'
                   f'<text x="{LEFT - 6}" y="{float(y) + 4:.1f}" text-anchor="end">'
                   f'{nice(top * part)}</text>')
    for part in range(5):
        hour = hours * part / 4
        x = place(hour, 0).split(",")[0]
        out.append(f'<text x="{x}" y="{HEIGHT - 12}" text-anchor="middle">{round(hour, 2):g} h</text>')
    for n, (name, points) in enumerate(lines):
        dots = " ".join(place(*p) for p in thin(points))
        out.append(f'<polyline points="{dots}" fill="none" stroke="{COLOURS[n]}"/>')
        out.append(f'<text x="{WIDTH - 20 - 90 * n}" y="15" text-anchor="end" '
                   f'fill="{COLOURS[n]}">{name}</text>')
    return "\n".join([*out, "</svg>", ""])


def write(args, verdicts, samples, notes):
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "samples.json").write_text(json.dumps(samples))
    hours = max(samples[-1]["at_s"], 1) / 3600
    pictures = []
    for name, title, unit, rows in PLOTS:
        lines = [(label, [(s["at_s"] / 3600, s[key] * scale) for s in samples])
                 for label, key, scale in rows]
        (args.out / f"{name}.svg").write_text(plot(title, unit, lines, hours))
        pictures.append(f"![{title}]({name}.svg)")
    faults = ", ".join(f"{name.replace('_', ' ')} {count}" for name, count in
                       sorted(notes["faults"].items()))
    table = "\n".join(f"| {what} | {words} | {WELL[is_well]} |"
                      for what, words, is_well in verdicts)
    given_up = f"Given up after {hours:.2f} hours: {notes['given up']}. " if notes["given up"] else ""
    (args.out / "report.md").write_text(f"""\
{given_up}{args.checks} checks at {args.interval} s, {args.hours:g} hours of the daemon's clock, \
{f'{args.hasten} times as fast as real time' if args.hasten > 1 else 'in real time'}, seed \
{args.seed}. {notes['incidents']} incidents. Faults: {faults}.

| what | measured | well |
|---|---|---|
{table}

{chr(10).join(pictures)}
""")
