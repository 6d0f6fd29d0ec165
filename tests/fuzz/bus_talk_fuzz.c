/*
 * A bus that says anything: its messages are refused by the library or become JSON, which a call
 * and an ear hear of, or hear that nobody is there.
 */
#include "tests/fuzz/talk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct talk talk;

static void
on_reply(void *arg, const struct bus_reply *reply)
{
	bool *is_over = arg;

	assert((reply->end == BUS_ANSWERED) == (reply->args != NULL));
	if (reply->args != NULL)
		free(json_dumps(reply->args, JSON_COMPACT));
	*is_over = true;
}

static void
on_news(void *arg, enum bus_news news, const char *member, const json_t *args)
{
	(void)arg;
	if (news == BUS_SIGNAL)
		assert(member != NULL);
	if (args != NULL)
		free(json_dumps(args, JSON_COMPACT));
}

static bool
is_true(void *arg)
{
	return *(bool *)arg;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char address[200];
	struct bus_ask ask = { .address = address,
		.to = "org.freedesktop.systemd1",
		.path = "/org/freedesktop/systemd1",
		.interface = "org.freedesktop.systemd1.Manager",
		.member = "ListUnits" };
	const struct bus_want want = { .address = address, .is_below = true, .path = "/" };
	bool is_over = false;
	struct bus_call *call;
	struct bus_ear *ear;

	if (talk.env.loop == NULL) {
		talk_open(&talk, true);
		snprintf(address, sizeof(address), "unix:path=%s", talk.place);
	}
	talk_say(&talk, data, size);
	talk.env.bus = bus_new(talk.env.loop);
	ear = bus_ear_open(talk.env.bus, &want, on_news, NULL);
	call = bus_call_start(talk.env.bus, &ask, USEC_PER_SEC, on_reply, &is_over);
	talk_until(&talk, is_true, &is_over);
	(void)call;
	bus_ear_close(ear);
	talk_hang_up(&talk);
	loop_turn(talk.env.loop, false);
	bus_free(talk.env.bus);
	talk.env.bus = NULL;
	return 0;
}
