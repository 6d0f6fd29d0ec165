/*
 * The words of messages.  Owns the table of both languages; promises that each word has both, and
 * that what is filled in is never looked at for further places to fill.
 */
#include "alerts/message_words.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "base/zone.h"

static const char *const words[SAY_WORDS][LANG_COUNT] = {
	[SAY_INFO] = { "INFO", "提示" },
	[SAY_WARNING] = { "WARNING", "警告" },
	[SAY_CRITICAL] = { "CRITICAL", "严重" },

	[SAY_FIRES] = { "{1}", "{1}" },
	[SAY_AGAIN] = { "{1} again", "{1}，再次发生" },
	[SAY_UPDATE] = { "{1}, update", "{1}，有更新" },
	[SAY_WORSE] = { "worse, now {1}", "加重，现为{1}" },
	[SAY_BETTER] = { "better, now {1}", "减轻，现为{1}" },
	[SAY_REMINDER] = { "reminder, {1} for {2}", "提醒：{1}，已持续 {2}" },
	[SAY_ACKED] = { "{1}, acknowledged by {3}", "{1}，{3} 已确认" },
	[SAY_UNACKED] = { "{1}, no longer acknowledged", "{1}，确认已失效" },
	[SAY_RESOLVED] = { "RESOLVED after {2}", "已恢复，持续 {2}" },
	[SAY_REMOVED] = { "CLOSED after {2}", "已关闭，持续 {2}" },
	[SAY_MERGED] = { "MERGED after {2}", "已合并，持续 {2}" },
	[SAY_TEST] = { "TEST", "测试" },

	[SAY_WHY] = { "Why", "原因" },
	[SAY_WAS] = { "It was", "原因" },
	[SAY_IMPACT] = { "Drags down", "影响" },
	[SAY_HAD_IMPACT] = { "Dragged down", "曾影响" },
	[SAY_REMEDY] = { "What to do", "处理" },
	[SAY_FIRST_STEP] = { "First step", "第一步" },
	[SAY_SINCE] = { "Since", "开始" },
	[SAY_TIME] = { "Time", "时间" },
	[SAY_WHERE] = { "Where", "位置" },
	[SAY_NOTE] = { "Note", "说明" },
	[SAY_FACTS] = { "Evidence", "证据" },
	[SAY_MEMBERS] = { "Incidents", "故障列表" },
	[SAY_OPEN_LINK] = { "open incident", "查看故障" },
	[SAY_COLON] = { ": ", "：" },
	[SAY_COMMA] = { ", ", "、" },

	[SAY_LIKELY] = { "Likely, not certain: ", "很可能（尚未确定）：" },
	[SAY_POSSIBLE] = { "Possible, not certain: ", "有可能（尚未确定）：" },
	[SAY_AND_MORE] = { "{1} and {2} more", "{1} 等，另有 {2} 项" },
	[SAY_DESTRUCTIVE] = { "⚠️ loses data or work, ask first: {1}",
		"⚠️ 有破坏性，请先确认：{1}" },
	[SAY_FIRST_OF] = { "{1} (1 of {2})", "{1}（共 {2} 步）" },
	[SAY_RUNBOOK] = { "runbook: {1}", "操作手册：{1}" },
	[SAY_BEGAN] = { "{1} UTC", "{1} UTC" },
	[SAY_LASTS] = { "{1} UTC (for {2} by {3})", "{1} UTC（截至 {3} 已持续 {2}）" },
	[SAY_LASTED] = { "{1} – {2} UTC", "{1} – {2} UTC" },
	[SAY_FIRST_BACK] = { "came back first: {1}, {2} UTC", "最先恢复：{1}，{2} UTC" },
	[SAY_PRO] = { "+ {1}", "+ {1}" },
	[SAY_CON] = { "− against it: {1}", "− 反对依据：{1}" },
	[SAY_FACT] = { "• {1}: {2}", "• {1}：{2}" },
	[SAY_MORE_LINES] = { "… and {1} more", "…… 另有 {1} 项" },
	[SAY_INCIDENT] = { "incident {1}", "故障 {1}" },

	[SAY_ACK_BY] = { "acknowledged by {1}", "{1} 已确认" },
	[SAY_ACK_WORDS] = { "{1} says: {2}", "{1} 留言：{2}" },
	[SAY_ACK_UNTIL] = { "nobody is reminded until {1} UTC", "{1} UTC 之前不再提醒" },
	[SAY_FLAPPING] = { "flapping, came back {1}×; silent from now on until it has stayed well",
		"反复波动，已再次出现 {1} 次；稳定恢复之前不再通知" },
	[SAY_REOPENED] = { "came back {1}× after it had ended", "恢复后再次出现 {1} 次" },
	[SAY_NEW_IMPACT] = { "new: it drags down more", "更新：影响范围扩大" },
	[SAY_NEW_ROOT] = { "new: the root is another check than it seemed",
		"更新：根源是另一项检查" },
	[SAY_NEW_CAUSE] = { "new: the cause is another than it seemed", "更新：原因有变化" },
	[SAY_NEW_FACTS] = { "new: more evidence", "更新：有新的证据" },
	[SAY_STILL_OPEN] = { "still open, and nobody has acknowledged it", "仍未恢复，且无人确认" },
	[SAY_TOLD_LATE] = { "you are told only now: it was found at {1} UTC, and nobody has "
			    "acknowledged it",
		"{1} UTC 已发现，至今无人确认，现在通知你" },
	[SAY_IS_REMOVED] = { "its check or rule is no longer in the settings; whether all is well "
			     "is not known",
		"相应的检查或规则已从配置中移除；是否恢复未知" },
	[SAY_IS_MERGED] = { "goes on as a part of incident {1}", "并入故障 {1}，继续跟踪" },
	[SAY_RELATED] = { "see also incident {1}: {2}", "相关故障 {1}：{2}" },

	[SAY_ONE_INCIDENT] = { "1 incident", "1 起故障" },
	[SAY_INCIDENTS] = { "{1} incidents", "{1} 起故障" },
	[SAY_COUNT_CRITICAL] = { "{1} critical", "{1} 起严重" },
	[SAY_COUNT_WARNING] = { "{1} warning", "{1} 起警告" },
	[SAY_COUNT_INFO] = { "{1} info", "{1} 起提示" },
	[SAY_COUNT_RESOLVED] = { "{1} resolved", "{1} 起已恢复" },
	[SAY_DIGEST] = { "Told in one message, because they came faster than messages may be "
			 "sent, or while none could be.",
		"合并为一条消息：故障来得太快，或此前无法发送。" },
	[SAY_MEMBER] = { "{1} {2} ({3})", "{1} {2}（{3}）" },
	[SAY_MEMBER_OPEN] = { "since {1} UTC", "{1} UTC 起" },
	[SAY_MEMBER_OVER] = { "{1} – {2} UTC", "{1} – {2} UTC" },
	[SAY_TEST_HEADLINE] = { "a test by triaged on {1}, nothing is wrong",
		"来自 {1} 的 triaged 测试消息，一切正常" },
	[SAY_TEST_SUMMARY] = { "Who reads this is reached by alerts.",
		"能看到这条消息，说明告警可以送达。" },
	[SAY_SENT] = { "sent {1} UTC", "发送于 {1} UTC" },
	[SAY_TEST_OF] = { "receiver {1}", "接收方 {1}" },
};

const char *
message_word(enum message_word word, enum language language)
{
	return words[word][language < LANG_COUNT ? language : LANG_EN];
}

void
message_say(struct buf *out, enum language language, enum message_word word,
	const struct message_fill *fill)
{
	const char *at = message_word(word, language);
	const char *const texts[] = { fill->first, fill->second, fill->third };

	while (*at != '\0') {
		size_t len = strcspn(at, "{");

		buf_add(out, at, len);
		at += len;
		if (*at != '{')
			continue;
		if (texts[at[1] - '1'] != NULL)
			buf_add_text(out, texts[at[1] - '1']);
		at += strlen("{1}");
	}
}

char *
message_said(enum language language, enum message_word word, const struct message_fill *fill)
{
	struct buf out;

	buf_init(&out, 0);
	message_say(&out, language, word, fill);
	return buf_take_text(&out);
}

void
message_duration(usec_t us, enum language language, char out[MESSAGE_TIME_SIZE])
{
	static const struct {
		usec_t unit, next;
		const char *name[LANG_COUNT], *next_name[LANG_COUNT];
	} rows[] = {
		{ USEC_PER_DAY, USEC_PER_HOUR, { "d", "天" }, { "h", "小时" } },
		{ USEC_PER_HOUR, USEC_PER_MIN, { "h", "小时" }, { "min", "分钟" } },
		{ USEC_PER_MIN, USEC_PER_MIN, { "min", "分钟" }, { "", "" } },
		{ 0, USEC_PER_SEC, { "", "" }, { "s", "秒" } },
	};
	size_t row = 0;
	long long most, rest;

	us = us > 0 ? us : 0;
	while (us < rows[row].unit)
		row++;
	most = rows[row].unit > 0 ? us / rows[row].unit : 0;
	rest = (us - most * rows[row].unit) / rows[row].next;
	if (most == 0)
		snprintf(out, MESSAGE_TIME_SIZE, "%lld %s", rest, rows[row].next_name[language]);
	else if (rest == 0)
		snprintf(out, MESSAGE_TIME_SIZE, "%lld %s", most, rows[row].name[language]);
	else
		snprintf(out, MESSAGE_TIME_SIZE, "%lld %s %lld %s", most, rows[row].name[language],
			rest, rows[row].next_name[language]);
}

void
message_clock(usec_t wall_us, usec_t day_us, char out[MESSAGE_TIME_SIZE])
{
	struct civil at, day;

	civil_from_seconds(wall_us / USEC_PER_SEC, &at);
	civil_from_seconds(day_us / USEC_PER_SEC, &day);
	if (at.year == day.year && at.month == day.month && at.day == day.day)
		snprintf(out, MESSAGE_TIME_SIZE, "%02d:%02d", at.hour, at.minute);
	else
		snprintf(out, MESSAGE_TIME_SIZE, "%04lld-%02d-%02d %02d:%02d", (long long)at.year,
			at.month, at.day, at.hour, at.minute);
}
