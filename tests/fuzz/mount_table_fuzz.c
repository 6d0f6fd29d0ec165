/* The mount table and the hosts file: whatever they hold, reading ends, and who is asked answers.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/mem.h"
#include "io/hosts.h"
#include "io/mounts.h"
#include "io/veil.h"
#include "probes/disk_select.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
on_mount(void *arg, const struct mount *mount)
{
	assert(mount->path != NULL && mount->path[0] == '/');
	++*(size_t *)arg;
}

static void
on_hidden(void *arg, const struct mount *mount, const struct veil *veil)
{
	char words[VEIL_WORDS_MAX];

	veil_words(veil, words, sizeof(words));
	assert(words[0] != '\0');
	on_mount(arg, mount);
}

static void
read_mounts(const char *text, const char *root)
{
	static const char *const paths[] = { "/", "/home/x", "/var/lib/mysql", "/tmp/y",
		"/dev/sda" };
	const struct conf_strings none = { .count = 0 };
	struct veil veils[8];
	struct mounts mounts;
	struct err e = { 0 };
	size_t seen = 0;

	if (mounts_parse(&mounts, text, root, &e) != 0)
		return;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		mounts_of(&mounts, paths[i]);
		mounts_of_device(&mounts, 2049, paths[i]);
		veil_of(&mounts, root, paths[i]);
	}
	assert(veil_list(&mounts, root, veils, 8) <= 8);
	assert(disk_select(&mounts, &none, &none, on_mount, &seen) == seen);
	disk_select_hidden(&mounts, root, on_hidden, &seen);
	mounts_fini(&mounts);
}

static void
read_hosts(const char *path)
{
	struct hosts *hosts = hosts_new(path);
	struct dns_reply v6, v4;

	if (hosts_find(hosts, 1, "db", &v6, &v4))
		assert(v6.count <= DNS_ADDRS_MAX && v4.count <= DNS_ADDRS_MAX);
	assert(hosts_find(hosts, 1, "localhost", &v6, &v4));
	hosts_free(hosts);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text, path[40];
	int fd;

	if (size > 20000)
		return 0;
	text = xstrndup((const char *)data, size);
	read_mounts(text, "/");
	read_mounts(text, "/host");
	free(text);
	fd = memfd_create("hosts", MFD_CLOEXEC);
	if (fd == -1 || write(fd, data, size) != (ssize_t)size)
		abort();
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	read_hosts(path);
	close(fd);
	return 0;
}
