/* One process as bytes: the numbers, then its three texts with their lengths. */
#include "io/proc_wire.h"

#include <string.h>

struct row {
	uint32_t pid, ppid, uid, threads;
	uint64_t start_ticks, cpu_ticks, rss_pages;
	uint16_t comm_len, cmdline_len, cgroup_len;
	char state;
	uint8_t has_uid, has_cmdline;
};

bool
proc_pack(char *data, size_t size, size_t *len, const struct proc *proc)
{
	struct row row = {
		.pid = proc->pid,
		.ppid = proc->ppid,
		.uid = proc->uid,
		.threads = proc->threads,
		.start_ticks = proc->start_ticks,
		.cpu_ticks = proc->cpu_ticks,
		.rss_pages = proc->rss_pages,
		.comm_len = (uint16_t)strlen(proc->comm),
		.cmdline_len = (uint16_t)strlen(proc->cmdline),
		.cgroup_len = (uint16_t)strlen(proc->cgroup),
		.state = proc->state,
		.has_uid = proc->has_uid,
		.has_cmdline = proc->has_cmdline,
	};
	size_t need = sizeof(row) + row.comm_len + row.cmdline_len + row.cgroup_len;

	if (*len > size || need > size - *len)
		return false;
	data += *len;
	memcpy(data, &row, sizeof(row));
	data += sizeof(row);
	memcpy(data, proc->comm, row.comm_len);
	data += row.comm_len;
	memcpy(data, proc->cmdline, row.cmdline_len);
	data += row.cmdline_len;
	memcpy(data, proc->cgroup, row.cgroup_len);
	*len += need;
	return true;
}

static const char *
take_text(char *out, size_t size, const char *from, size_t len)
{
	size_t kept = len < size ? len : size - 1;

	memcpy(out, from, kept);
	out[kept] = '\0';
	return from + len;
}

bool
proc_unpack(const char *data, size_t size, size_t *at, struct proc *proc)
{
	struct row row;
	size_t need;

	if (*at > size || size - *at < sizeof(row))
		return false;
	data += *at;
	memcpy(&row, data, sizeof(row));
	need = sizeof(row) + row.comm_len + row.cmdline_len + row.cgroup_len;
	if (need > size - *at)
		return false;
	*at += need;
	data += sizeof(row);
	*proc = (struct proc){
		.pid = row.pid,
		.ppid = row.ppid,
		.uid = row.uid,
		.threads = row.threads,
		.state = row.state,
		.has_uid = row.has_uid != 0,
		.has_cmdline = row.has_cmdline != 0,
		.start_ticks = row.start_ticks,
		.cpu_ticks = row.cpu_ticks,
		.rss_pages = row.rss_pages,
	};
	data = take_text(proc->comm, sizeof(proc->comm), data, row.comm_len);
	data = take_text(proc->cmdline, sizeof(proc->cmdline), data, row.cmdline_len);
	take_text(proc->cgroup, sizeof(proc->cgroup), data, row.cgroup_len);
	return true;
}
