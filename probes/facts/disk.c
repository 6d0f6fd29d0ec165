/* The file system that a check stands on: room, inodes, whether it can be written to. */
#include <math.h>

#include "base/str.h"
#include "probes/facts/fact.h"
#include "probes/facts/ground.h"

enum key {
	KEY_MOUNT,
	KEY_DEVICE,
	KEY_FSTYPE,
	KEY_USED,
	KEY_FREE,
	KEY_TOTAL,
	KEY_INODES,
	KEY_FULL,
	KEY_INODES_FULL,
	KEY_RESERVED,
	KEY_READ_ONLY,
};

static const struct metric_desc keys[] = {
	{ "mount", METRIC_GAUGE, UNIT_TEXT, "Where it is mounted." },
	{ "device", METRIC_GAUGE, UNIT_TEXT, "What is mounted there." },
	{ "fstype", METRIC_GAUGE, UNIT_TEXT, "Its type." },
	{ "used_percent", METRIC_GAUGE, UNIT_PERCENT, "Used, as df reckons." },
	{ "free_bytes", METRIC_GAUGE, UNIT_BYTES, "Room that users other than root can fill." },
	{ "total_bytes", METRIC_GAUGE, UNIT_BYTES, "Its size." },
	{ "inodes_percent", METRIC_GAUGE, UNIT_PERCENT, "Inodes in use." },
	{ "full", METRIC_FLAG, UNIT_BOOL, "Less than 64 MiB and less than 2 % are left." },
	{ "inodes_full", METRIC_FLAG, UNIT_BOOL, "No inode is left: no file can be made." },
	{ "reserved_only", METRIC_FLAG, UNIT_BOOL,
		"Only blocks reserved for root are left: root can write, others cannot." },
	{ "read_only", METRIC_FLAG, UNIT_BOOL, "The file system itself is read-only." },
	{ .name = NULL },
};

struct state {
	struct ground_asking asking;
};

static void
say(struct fact_run *run, const struct ground *ground)
{
	const struct fs_result *room = &ground->room;
	double percent = ground_used_percent(room), inodes = ground_inodes_percent(room);
	char used[32], left[32], total[32];

	metric_format(percent, UNIT_PERCENT, used, sizeof(used));
	metric_format(ground_free_bytes(room), UNIT_BYTES, left, sizeof(left));
	metric_format(ground_total_bytes(room), UNIT_BYTES, total, sizeof(total));
	fact_line(run, "%s (%s, %s): %s of %s used, %s free%s", ground->mount, ground->device,
		ground->type, used, total, left, ground->is_read_only ? ", read-only" : "");
	if (!isnan(inodes)) {
		metric_format(inodes, UNIT_PERCENT, used, sizeof(used));
		fact_line(run, "inodes: %s of %llu used", used, (unsigned long long)room->inodes);
	}
	if (room->blocks_avail == 0 && room->blocks_free > 0)
		fact_line(run, "what is left is reserved for root");
}

static void
on_ground(struct fact_run *run, const struct ground *ground, const char *why)
{
	if (ground == NULL) {
		fact_missed(run, "%s", why);
		return;
	}
	fact_text(run, KEY_MOUNT, "%s", ground->mount);
	if (ground->device[0] != '\0')
		fact_text(run, KEY_DEVICE, "%s", ground->device);
	if (ground->type[0] != '\0')
		fact_text(run, KEY_FSTYPE, "%s", ground->type);
	fact_number(run, KEY_USED, ground_used_percent(&ground->room));
	fact_number(run, KEY_FREE, ground_free_bytes(&ground->room));
	fact_number(run, KEY_TOTAL, ground_total_bytes(&ground->room));
	fact_number(run, KEY_INODES, ground_inodes_percent(&ground->room));
	fact_number(run, KEY_FULL, ground_is_full(&ground->room));
	fact_number(run, KEY_INODES_FULL, ground_is_out_of_inodes(&ground->room));
	fact_number(
		run, KEY_RESERVED, ground->room.blocks_avail == 0 && ground->room.blocks_free > 0);
	fact_number(run, KEY_READ_ONLY, ground->is_read_only);
	say(run, ground);
	fact_had(run);
}

static void
start(struct fact_run *run)
{
	struct state *state = fact_state(run);

	ground_start(&state->asking, run, on_ground);
}

static void
stop(struct fact_run *run)
{
	struct state *state = fact_state(run);

	ground_cancel(&state->asking);
}

const struct fact_type fact_type_disk = {
	.name = "disk",
	.summary = "The file system that the check stands on: where its server keeps its data, the "
		   "path that it names, else the root.",
	.keys = keys,
	.run_size = sizeof(struct state),
	.is_near = true,
	.start = start,
	.stop = stop,
};
