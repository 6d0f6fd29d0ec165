/* What the mount table of a sandboxed unit, and of a container, tells about whose a path is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "io/veil.h"

/* As systemd 252 makes it: ProtectSystem=strict, PrivateTmp, PrivateDevices, ProtectHome=tmpfs with
 * one folder bound in, InaccessiblePaths=/srv/secret, a disk of the host below /home. */
static const char unit[] =
	"60 59 254:0 / / ro,relatime shared:1 master:2 - ext4 /dev/vda rw\n"
	"61 60 0:21 / /proc rw shared:3 master:4 - proc proc rw\n"
	"62 60 0:22 / /run rw shared:5 master:6 - tmpfs tmpfs rw\n"
	"63 60 254:0 /tmp/systemd-private-0a1b-triaged.service-x1/tmp /tmp rw shared:7 master:2"
	" - ext4 /dev/vda rw\n"
	"64 60 8:1 / /home/data ro shared:8 master:9 - ext4 /dev/sda1 rw\n"
	"65 60 0:50 / /home ro shared:10 - tmpfs tmpfs ro,mode=755\n"
	"66 65 254:0 /home/app /home/app ro shared:11 master:2 - ext4 /dev/vda rw\n"
	"67 60 0:22 /systemd/inaccessible/dir /srv/secret ro shared:12 master:6 - tmpfs tmpfs rw\n"
	"68 60 0:51 / /dev ro shared:13 - tmpfs tmpfs rw\n"
	"69 60 254:0 /var/lib/triaged /var/lib/triaged rw shared:14 master:2 - ext4 /dev/vda rw\n"
	"70 60 0:60 / /mnt/ram rw shared:15 master:16 - tmpfs tmpfs rw\n"
	/* as snapd keeps a part of /run for itself */
	"71 62 0:22 /snapd/ns /run/snapd/ns rw - tmpfs tmpfs rw\n";

static enum veil_kind
look(const char *table, const char *root, const char *path, const char *at)
{
	struct mounts mounts;
	struct veil veil;

	assert_int_equal(mounts_parse(&mounts, table, root, NULL), 0);
	veil = veil_of(&mounts, root, path);
	mounts_fini(&mounts);
	assert_string_equal(veil.at, at);
	return veil.kind;
}

static void
tells_a_units_sandbox(void **state)
{
	(void)state;
	assert_int_equal(look(unit, "/", "/etc/passwd", ""), VEIL_NONE);
	assert_int_equal(look(unit, "/", "/run/app.sock", ""), VEIL_NONE);
	assert_int_equal(look(unit, "/", "/var/lib/triaged/x", ""), VEIL_NONE);
	assert_int_equal(look(unit, "/", "/tmp/x", "/tmp"), VEIL_TMP);
	assert_int_equal(look(unit, "/", "/srv/secret/a/b", "/srv/secret"), VEIL_HIDDEN);
	assert_int_equal(look(unit, "/", "/dev/kmsg", "/dev"), VEIL_DEV);
	assert_int_equal(look(unit, "/", "/home/other", "/home"), VEIL_EMPTY);
	/* what the operator bound in is the host's again; what was covered is not seen */
	assert_int_equal(look(unit, "/", "/home/app/x.log", ""), VEIL_NONE);
	assert_int_equal(look(unit, "/", "/home/data", "/home"), VEIL_EMPTY);
	/* memory that the host itself has mounted */
	assert_int_equal(look(unit, "/", "/mnt/ram/x", ""), VEIL_NONE);
	assert_int_equal(look(unit, "/", "/run/snapd/ns/lxd.mnt", ""), VEIL_NONE);
}

static void
leaves_a_host_alone(void **state)
{
	static const char host[] = "27 1 254:0 / / rw shared:1 - ext4 /dev/vda rw\n"
				   "30 27 0:30 / /tmp rw shared:2 - tmpfs tmpfs rw\n"
				   "31 27 0:5 / /dev rw shared:3 - devtmpfs udev rw\n";

	(void)state;
	assert_int_equal(look(host, "/", "/tmp/x", ""), VEIL_NONE);
	assert_int_equal(look(host, "/", "/dev/kmsg", ""), VEIL_NONE);
}

static void
tells_what_a_container_does_not_have(void **state)
{
	static const char box[] =
		"90 80 0:70 / / rw master:5 - overlay overlay rw\n"
		"91 90 0:71 / /tmp rw - tmpfs tmpfs rw\n"
		"92 90 8:1 /var/log /host/var/log ro master:7 - ext4 /dev/sda1 rw\n"
		"93 90 0:21 / /host/proc ro master:8 - proc proc rw\n";

	(void)state;
	assert_int_equal(look(box, "/host", "/var/log/app.log", ""), VEIL_NONE);
	assert_int_equal(look(box, "/host", "/etc/app.yaml", "/etc/app.yaml"), VEIL_ABSENT);
	/* its own memory file systems are its own to watch */
	assert_int_equal(look(box, "/", "/tmp/x", ""), VEIL_NONE);
}

static void
says_which_line_it_is(void **state)
{
	struct veil veil = { VEIL_TMP, "/tmp" };
	char words[VEIL_WORDS_MAX];

	(void)state;
	veil_words(&veil, words, sizeof(words));
	assert_non_null(strstr(words, "PrivateTmp="));
	assert_non_null(strstr(words, "BindReadOnlyPaths="));
	veil.kind = VEIL_HIDDEN;
	veil_words(&veil, words, sizeof(words));
	assert_non_null(strstr(words, "ProtectHome="));
	veil.kind = VEIL_ABSENT;
	veil_words(&veil, words, sizeof(words));
	assert_non_null(strstr(words, "volume"));
	veil.kind = VEIL_NONE;
	veil_words(&veil, words, sizeof(words));
	assert_string_equal(words, "");
}

static usec_t
spent(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * USEC_PER_SEC + now.tv_nsec / 1000;
}

/* Where many containers run: it is asked on the loop, and no dearer than reading the table. */
static void
finds_it_among_thousands(void **state)
{
	struct veil veils[8];
	struct mounts mounts;
	usec_t began, parsed, listed;
	struct buf table;

	(void)state;
	buf_init(&table, 0);
	buf_addf(&table, "%s", unit);
	for (int i = 100; i < 5000; i++)
		buf_addf(&table,
			"%d 60 0:%d / /var/lib/docker/overlay2/%064d/merged rw master:2 - overlay "
			"o rw\n",
			i, i, i);
	began = spent();
	assert_int_equal(mounts_parse(&mounts, buf_text(&table), "/", NULL), 0);
	parsed = spent();
	assert_int_equal(veil_list(&mounts, "/", veils, 8), 4);
	assert_string_equal(veils[0].at, "/tmp");
	assert_string_equal(veils[1].at, "/home");
	assert_string_equal(veils[2].at, "/srv/secret");
	assert_string_equal(veils[3].at, "/dev");
	listed = spent();
	mounts_fini(&mounts);
	buf_fini(&table);
	assert_true(listed - parsed < 5 * (parsed - began) + 10 * USEC_PER_MSEC);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_a_units_sandbox),
		cmocka_unit_test(leaves_a_host_alone),
		cmocka_unit_test(tells_what_a_container_does_not_have),
		cmocka_unit_test(says_which_line_it_is),
		cmocka_unit_test(finds_it_among_thousands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
