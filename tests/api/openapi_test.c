/* The route table holds together: what the document and the manual are made of has no gaps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "api/openapi.h"
#include "api/shapes.h"

#define SHAPES_MAX 300

/* Every shape, once. */
struct seen {
	const struct shape *all[SHAPES_MAX];
	size_t count;
};

static void
see(struct seen *seen, const struct shape *shape)
{
	if (shape == NULL)
		return;
	for (size_t i = 0; i < seen->count; i++) {
		if (seen->all[i] == shape)
			return;
		if (strcmp(seen->all[i]->name, shape->name) == 0)
			fail_msg("two shapes are called %s", shape->name);
	}
	assert_true(seen->count < SHAPES_MAX);
	seen->all[seen->count++] = shape;
	see(seen, shape->extends);
	for (const struct shape_field *field = shape->fields; field->name != NULL; field++)
		see(seen, field->of);
}

static bool
has_field(const struct shape *shape, const char *name)
{
	for (; shape != NULL; shape = shape->extends)
		for (const struct shape_field *field = shape->fields; field->name != NULL; field++)
			if (strcmp(field->name, name) == 0)
				return true;
	return false;
}

static void
test_shapes_are_whole(void **state)
{
	struct seen seen = { .count = 0 };

	(void)state;
	for (const struct route *route = route_table; route->method != NULL; route++) {
		see(&seen, route->body);
		see(&seen, route->answer);
	}
	assert_true(seen.count > 20);
	for (size_t i = 0; i < seen.count; i++) {
		const struct shape *shape = seen.all[i];

		assert_non_null(shape->doc);
		for (const struct shape_field *field = shape->fields; field->name != NULL;
			field++) {
			if (field->doc == NULL)
				fail_msg("%s.%s is not explained", shape->name, field->name);
			if (has_field(shape->extends, field->name))
				fail_msg("%s.%s is there twice", shape->name, field->name);
			if ((field->kind == SHAPE_OBJECT) != (field->of != NULL) &&
				field->kind != SHAPE_MAP)
				fail_msg("%s.%s: of what?", shape->name, field->name);
		}
	}
}

static void
look_at_path(const char *path)
{
	unsigned words = 0;

	for (const char *open = strchr(path, '{'); open != NULL; open = strchr(open + 1, '{')) {
		size_t len = strcspn(open + 1, "}");

		words++;
		if (*openapi_path_word(open + 1, len) == '\0')
			fail_msg("%s: nobody says what {%.*s} is", path, (int)len, open + 1);
	}
	assert_true(words <= 2);
}

static void
test_rows_are_whole(void **state)
{
	(void)state;
	for (const struct route *route = route_table; route->method != NULL; route++) {
		look_at_path(route->path);
		assert_non_null(route->handle);
		assert_non_null(route->doc);
		if (route->answer == NULL && route->answer_type == NULL)
			fail_msg("%s %s: what does it answer?", route->method, route->path);
		if (route->has_tag && strcmp(route->method, "GET") != 0)
			fail_msg("%s %s: a tag is for GET", route->method, route->path);
		/* A question too long for a query: its body has a type that no page of another
		 * site can send unasked. */
		if (route->right == ROUTE_READ && strcmp(route->method, "GET") != 0 &&
			route->body == NULL && route->body_type == NULL)
			fail_msg("%s %s: who reads may change nothing", route->method, route->path);
		for (const struct route *other = route_table; other < route; other++)
			if (strcmp(other->method, route->method) == 0 &&
				strcmp(other->path, route->path) == 0)
				fail_msg("%s %s: two rows", route->method, route->path);
	}
}

/* Twice the same, and every row is in it. */
static void
test_the_document_has_every_row(void **state)
{
	json_t *one = openapi_document(route_table, "1"), *two = openapi_document(route_table, "1");

	(void)state;
	assert_true(json_equal(one, two));
	for (const struct route *route = route_table; route->method != NULL; route++) {
		json_t *paths = json_object_get(one, "paths");
		json_t *path = json_object_get(paths, route->path);
		char method[16];
		size_t i = 0;

		for (; route->method[i] != '\0'; i++)
			method[i] = (char)(route->method[i] | 0x20);
		method[i] = '\0';
		assert_non_null(json_object_get(path, method));
	}
	json_decref(one);
	json_decref(two);
}

/* A cell with a bar in it would break the table. */
static void
test_the_manual_is_a_table(void **state)
{
	struct buf out;

	(void)state;
	buf_init(&out, 0);
	openapi_manual(route_table, &out);
	for (const char *line = buf_text(&out); *line != '\0';) {
		size_t len = strcspn(line, "\n"), bars = 0;

		for (size_t i = 0; i < len; i++)
			bars += line[i] == '|';
		if (bars != 0 && bars != 4)
			fail_msg("%zu bars: %.*s", bars, (int)len, line);
		line += len + (line[len] == '\n');
	}
	buf_fini(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes_are_whole),
		cmocka_unit_test(test_rows_are_whole),
		cmocka_unit_test(test_the_document_has_every_row),
		cmocka_unit_test(test_the_manual_is_a_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
