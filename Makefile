# triaged: `make run` and `make test` do all set-up; `make` alone builds build/triaged, build/triage.
#
# Variants live beside each other: `make` -> build/, `make SAN=1` -> build-asan/ (ASan + UBSan),
# `make SAN=thread` -> build-tsan/,
# `make CC=clang B=build-clang`.  No file names are listed: a new source is picked up by its room.

VERSION := 0.1.0
VERSION_DATE := 2026-11-21
SAN ?=
comma := ,
B ?= build$(if $(filter thread,$(SAN)),-tsan,$(if $(SAN),-asan))
# gcc, with that one, takes bounds for unknown that it knows otherwise.
SANITIZE := $(if $(filter thread,$(SAN)),-fsanitize=thread -Wno-format-truncation,$(if $(SAN),-fsanitize=address$(comma)undefined$(comma)float-cast-overflow))
# Where `make install` puts things below DESTDIR.
PREFIX ?= /usr/local
UNITDIR ?= $(PREFIX)/lib/systemd/system
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
PYTHON ?= /usr/bin/python3
WERROR ?= -Werror
# One line a file; `make V=1` shows the whole commands.
QUIET := $(if $(V),,@)
SAY := @$(if $(V),:,echo)

LIBS := libevent_core libevent_pthreads libevent libcares libcurl jansson sqlite3 yaml-0.1 libssl libcrypto \
	libpq hiredis libsystemd zlib
HAVE_LIBS := $(shell pkg-config --exists $(LIBS) 2>/dev/null && echo yes)
PKG_CFLAGS := $(shell pkg-config --cflags $(LIBS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(LIBS) 2>/dev/null)

WARN := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes \
	-Wpointer-arith -Wcast-qual -Wwrite-strings -Wformat=2 $(WERROR)
HARDEN := -fPIE -fstack-protector-strong $(if $(SAN),,-D_FORTIFY_SOURCE=2) -fno-plt
OPT := $(if $(SAN),-O1 -g -fno-omit-frame-pointer $(SANITIZE) \
	-fno-sanitize-recover=all,-O2 -g -ffunction-sections)
CFLAGS_ALL := -std=gnu11 -D_GNU_SOURCE -DTRIAGED_VERSION='"$(VERSION)"' -DTRIAGED_DATE='"$(VERSION_DATE)"' -I. -Idaemon $(WARN) \
	$(HARDEN) $(OPT) $(PKG_CFLAGS) $(CFLAGS) -ffile-prefix-map=$(CURDIR)=.
# What runs while nothing happens lies together (tests/bench/hot.py): HOT= for a linker that is not GNU ld.
HOT := $(if $(SAN),,daemon/hot.ld)
LDFLAGS_ALL := -pie -Wl,-z,relro,-z,now,--as-needed \
	$(SANITIZE) $(LDFLAGS)
LDLIBS_ALL := $(PKG_LIBS) -lpthread -lm $(LDLIBS)

ROOMS := $(addprefix daemon/,base io conf model rules store sched triage deliver setup api cli) \
	probes probes/facts alerts
# Sorted by us: the order of a folder's files is not the same everywhere, and the program would differ.
LIB_SRC := $(sort $(foreach room,$(ROOMS),$(wildcard $(room)/*.c)))
PLAYBOOKS := $(sort $(wildcard etc/playbooks/*.yaml))
LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o) $(B)/playbooks.o $(B)/ui_assets.o
APP_OBJ := $(B)/daemon/main.o $(patsubst %.c,$(B)/%.o,$(sort $(wildcard daemon/app*.c)))
CLI_OBJ := $(B)/daemon/triage_main.o
LIB := $(B)/libtriaged.a
TEST_SRC := $(wildcard tests/*/*_test.c)
TEST_BIN := $(TEST_SRC:%.c=$(B)/%)
FUZZ_SRC := $(wildcard tests/fuzz/*_fuzz.c)
FUZZ_BIN := $(FUZZ_SRC:%.c=$(B)/%)
TEST_HELP := $(patsubst %.c,$(B)/%.o,$(wildcard tests/help/*.c))

.PHONY: all run demo test check e2e causes traps scenarios faults asan lint format format-check docs bench fuzz nightly install \
	uninstall deb bench-storm chaos soak clean deps-build deps-test deps-fuzz units
all: $(B)/triaged $(B)/triage

ifneq ($(HAVE_LIBS),yes)
ifeq ($(filter run demo test lint nightly bench ship deb uninstall deps-build deps-test clean,$(MAKECMDGOALS)),)
$(error libraries are missing: run `make deps-build` as root, or install: $(shell cat contrib/packages/build))
endif
endif

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) "  cc    $<"
	$(QUIET)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# The shipped playbooks become texts of the program; one that is gone changes the list, too.
PLAYBOOK_LIST := $(B)/playbooks.list
ifneq ($(shell cat $(PLAYBOOK_LIST) 2>/dev/null),$(strip $(PLAYBOOKS)))
.PHONY: $(PLAYBOOK_LIST)
endif
$(PLAYBOOK_LIST):
	@mkdir -p $(@D)
	@echo $(PLAYBOOKS) > $@
$(B)/playbooks.c: $(PLAYBOOKS) $(PLAYBOOK_LIST) contrib/playbooks.sh
	$(SAY) "  embed $(words $(PLAYBOOKS)) playbooks"
	@sh contrib/playbooks.sh $(PLAYBOOKS) > $@
$(B)/playbooks.o: $(B)/playbooks.c
	$(QUIET)$(CC) $(CFLAGS_ALL) -MMD -MP -c -o $@ $<

# The dashboard becomes a table of the program; one line says where it cannot be bundled.  Tools
# that come or go, and files that are gone, change the list, too.
UI := $(B)/ui
UI_SRC := $(shell find daemon/api/ui -type f -not -path '*/node_modules/*')
UI_WITH := $(UI_SRC) $(if $(SKIP_UI),skip,$(shell command -v esbuild) $(shell command -v npm))
ifneq ($(shell cat $(UI)/with 2>/dev/null),$(strip $(UI_WITH)))
.PHONY: $(UI)/with
endif
$(UI)/with:
	@mkdir -p $(@D)
	@echo $(UI_WITH) > $@
$(UI)/assets.c: $(UI_SRC) $(UI)/with contrib/ui.sh
	@sh contrib/ui.sh $(UI) $(if $(SKIP_UI),skip)
$(B)/ui_assets.o: $(UI)/assets.c daemon/api/assets.h
	$(QUIET)$(CC) $(CFLAGS_ALL) -c -o $@ $<
.PHONY: ui
ui: # tries again what could not be bundled
	@rm -f $(UI)/assets.c
	@$(MAKE) --no-print-directory $(UI)/assets.c

# What the dashboard is tested with; it needs the network once.
UI_TOOLS := tests/ui/node_modules/.package-lock.json
$(UI_TOOLS): tests/ui/package-lock.json
	$(SAY) "  npm   tests/ui"
	@cd tests/ui && npm ci --prefer-offline --loglevel=error
	@touch $@
UI_TOP := $(CURDIR)/daemon/api/ui
.PHONY: ui-tools ui-types
ui-tools: $(UI_TOOLS)
ui-types: $(UI)/assets.c $(UI_TOOLS)
	@printf '{"extends": "%s/tsconfig.json", "include": ["%s/src"],' $(UI_TOP) $(UI_TOP) > $(UI)/tsconfig.json
	@echo '"compilerOptions": {"paths": {"*": ["./npm/node_modules/*"]}}}' >> $(UI)/tsconfig.json
	@tests/ui/node_modules/.bin/tsc -p $(UI)/tsconfig.json && echo "dashboard: its types hold"

$(LIB): $(LIB_OBJ)
	@rm -f $@
	@ar rcsD $@ $(LIB_OBJ)

# The name is for a library to find: daemon/io/memory.c says why.
$(B)/triaged: $(APP_OBJ) $(LIB) $(HOT)
	$(SAY) "  link  $@"
	$(QUIET)$(CC) $(LDFLAGS_ALL) $(HOT:%=-Wl,-T,%) -Wl,--export-dynamic-symbol=_gnutls_global_init_skip -o $@ $(APP_OBJ) $(LIB) $(LDLIBS_ALL)

$(B)/triage: $(CLI_OBJ) $(LIB)
	$(SAY) "  link  $@"
	$(QUIET)$(CC) $(LDFLAGS_ALL) -o $@ $(CLI_OBJ) $(LIB) $(LDLIBS_ALL)

$(B)/tests/%_test: tests/%_test.c $(TEST_HELP) $(LIB)
	@mkdir -p $(@D)
	$(SAY) "  link  $@"
	$(QUIET)$(CC) $(CFLAGS_ALL) -MMD -MP $(LDFLAGS_ALL) -o $@ $< $(TEST_HELP) $(LIB) \
		$(LDLIBS_ALL) -lcmocka

.SECONDARY: $(TEST_HELP) $(B)/tests/fuzz/replay.o

# Fuzz targets, with a driver that replays seeds; `make fuzz` gives them to libFuzzer.
$(B)/tests/fuzz/%_fuzz: tests/fuzz/%_fuzz.c $(B)/tests/fuzz/replay.o $(LIB)
	@mkdir -p $(@D)
	$(SAY) "  link  $@"
	$(QUIET)$(CC) $(CFLAGS_ALL) -Wno-missing-prototypes -MMD -MP $(LDFLAGS_ALL) -o $@ $< \
		$(B)/tests/fuzz/replay.o $(LIB) $(LDLIBS_ALL)

units: $(TEST_BIN) $(FUZZ_BIN)

-include $(LIB_OBJ:.o=.d) $(APP_OBJ:.o=.d) $(CLI_OBJ:.o=.d) $(TEST_BIN:%=%.d) $(FUZZ_BIN:%=%.d) $(TEST_HELP:.o=.d)

clean:
	rm -rf build build-*

# ---- set-up: one list of packages, one apt call, only for what is missing ----

deps-build:
	@contrib/packages/install build
deps-test:
	@contrib/packages/install build test
deps-fuzz:
	@contrib/packages/install fuzz

# ---- people's targets ----

run: deps-build
	@$(MAKE) --no-print-directory -s -j$$(nproc) all
	@contrib/run.sh $(B)

# Three things break in a small shop of its own, and what is told of them; STAY=1 goes on afterwards.
demo: deps-build
	@$(PYTHON) -B contrib/demo/demo.py --have 2>/dev/null || contrib/packages/install demo
	@$(MAKE) --no-print-directory -s -j$$(nproc) all
	@$(PYTHON) -B contrib/demo/demo.py $(B) $(if $(STAY),--stay)

test: deps-test
	@$(MAKE) --no-print-directory ui-tools || echo "no npm registry: the dashboard is not tested"
	@$(MAKE) --no-print-directory -j$$(nproc) SAN=1 all units
	@tests/run_units.sh build-asan
	@tests/ui/unit/run.sh build-asan/ui-tests
	@$(MAKE) --no-print-directory SAN=1 e2e

check: units
	@tests/run_units.sh $(B)
	@tests/ui/unit/run.sh $(B)/ui-tests

# Loaded into the daemon: what then goes wrong in it is in each one's head.  Never sanitized.
SHIMS := $(patsubst tests/help/shims/%.c,$(B)/shims/%.so,$(wildcard tests/help/shims/*.c))
$(B)/shims/%.so: tests/help/shims/%.c
	@mkdir -p $(@D)
	$(QUIET)$(CC) -std=gnu11 -D_GNU_SOURCE $(WARN) -O2 -fPIC -shared -o $@ $<

e2e: all $(B)/hangfs $(SHIMS) $(B)/tests/fuzz/settings_fuzz
	@rm -f $(B)/scenarios.jsonl $(B)/faults.jsonl
	@TRIAGED_BUILD=$(abspath $(B)) $(PYTHON) -m pytest -q -rs -p no:cacheprovider -n 2 tests/e2e \
		$(if $(SLOW),,-m "not slow") $(PYTEST_ARGS)

# Which end-to-end test shows which cause; fails when one is missing.
causes:
	@$(PYTHON) tests/e2e/causes.py
# Which end-to-end test shows which scenario, and how long its message took in the last run.
scenarios:
	@$(PYTHON) tests/e2e/scenarios.py $(if $(wildcard $(B)/scenarios.jsonl),$(B),build-asan)
# What the machine can do to the daemon, which test does it, how that went in the last run of each
# build: `make e2e PYTEST_ARGS="-m fault"` and, with SAN=1, the other.
faults:
	@$(PYTHON) tests/e2e/faults.py $(if $(NOTE),--note)
traps:
	@$(PYTHON) tests/e2e/causes.py --traps

asan:
	@$(MAKE) --no-print-directory SAN=1 all units
	@tests/run_units.sh build-asan

$(B)/hangfs: tests/help/fuse/hangfs.c
	@mkdir -p $(@D)
	$(QUIET)$(CC) -std=gnu11 -D_GNU_SOURCE -O2 $(shell pkg-config --cflags fuse3 2>/dev/null) -o $@ $< \
		$(shell pkg-config --libs fuse3 2>/dev/null)

# Each target for SECONDS, from its seeds and what was learnt before; goes on after a find, sums up at
# the end.  make fuzz SECONDS=60 NAME="http1 redis" ENGINE=afl; finds go to build-fuzz/finds.
# make fuzz-fill SECONDS=600: what each lacks of so much CPU, together with all its runs before.
SECONDS ?= 30
ENGINE ?= libfuzzer
FUZZ_NAMES = $(if $(filter command,$(firstword $(origin NAME))),$(NAME))
FUZZ_ENV = FUZZ_CFLAGS='$(subst ',,$(filter-out -DTRIAGED_VERSION=% -DTRIAGED_DATE=% -D_FORTIFY_SOURCE=2,$(CFLAGS_ALL)))' \
	FUZZ_LIBS="$(PKG_LIBS) -lpthread -lm"
FUZZ_RUN = $(FUZZ_ENV) $(PYTHON) -B tests/fuzz/run.py
FUZZ_SAN := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined
FUZZ_MAKE = $(MAKE) --no-print-directory -j$$(nproc) WERROR= SKIP_UI=1 HARDEN=-fPIE
.PHONY: fuzz-libs fuzz-fill fuzz-merge fuzz-table
fuzz-libs: deps-test deps-fuzz
	@$(FUZZ_MAKE) CC="$(if $(findstring ccache,$(CC)),ccache )clang" B=build-fuzz OPT="$(FUZZ_SAN),fuzzer-no-link" \
		build-fuzz/libtriaged.a
	@$(FUZZ_MAKE) CC="$(if $(findstring ccache,$(CC)),ccache )clang" B=build-fuzz/cov \
		OPT="-O1 -g -fprofile-instr-generate -fcoverage-mapping" build-fuzz/cov/libtriaged.a
ifeq ($(ENGINE),afl)
fuzz: deps-test deps-fuzz
	@AFL_QUIET=1 AFL_USE_ASAN=1 AFL_USE_UBSAN=1 $(FUZZ_MAKE) CC=afl-clang-fast B=build-fuzz-afl \
		OPT="-O1 -g -fno-omit-frame-pointer" build-fuzz-afl/libtriaged.a
	@$(FUZZ_RUN) build-fuzz-afl afl $(SECONDS) $(FUZZ_NAMES)
else
fuzz: fuzz-libs
	@$(FUZZ_RUN) build-fuzz run $(SECONDS) $(FUZZ_NAMES)
endif
fuzz-fill: fuzz-libs
	@$(FUZZ_RUN) build-fuzz fill $(SECONDS) $(FUZZ_NAMES)
# What was learnt becomes seeds, as few and small as do.
fuzz-merge: fuzz-libs
	@$(FUZZ_RUN) build-fuzz merge $(FUZZ_NAMES)
# The figures of all runs of each target, into docs/fuzzing.md.
fuzz-table:
	@$(PYTHON) -B tests/fuzz/run.py build-fuzz table

# ---- rules of the house ----

C_FILES = $(shell git ls-files '*.c' '*.h')
format:
	clang-format -i $(C_FILES)
format-check:
	@clang-format --dry-run -Werror $(C_FILES) && echo "format: clean"

lint: deps-test
	@$(MAKE) --no-print-directory -s -j$$(nproc) all
	@$(MAKE) --no-print-directory format-check
	@tests/lint/headers.sh $(CC) $(CFLAGS_ALL)
	@$(PYTHON) tests/lint/house.py $(B)
	@$(PYTHON) tests/lint/playbooks.py
	@$(PYTHON) tests/lint/licences.py $(B)
	@$(PYTHON) -B tests/lint/hot.py $(B)
	@$(PYTHON) -B tests/lint/fuzz.py
	@tests/lint/shell.sh
	@tests/lint/words.sh
	@$(MAKE) --no-print-directory units-check
	@$(PYTHON) -B tests/lint/docs.py
	@$(PYTHON) -B tests/bench/page.py --check
	@$(PYTHON) -B tests/lint/receivers.py
	@$(PYTHON) -B tests/lint/translations.py
	@$(MAKE) --no-print-directory -s -j$$(nproc) CC=clang B=build-clang WERROR=-Werror all && \
		echo "clang: no warnings"
	@$(MAKE) --no-print-directory cppcheck
	@$(MAKE) --no-print-directory docs-check
	@$(MAKE) --no-print-directory ui-types
	@$(PYTHON) tests/e2e/causes.py | tail -1; $(PYTHON) tests/e2e/causes.py > /dev/null
	@$(PYTHON) tests/e2e/scenarios.py | tail -1; $(PYTHON) tests/e2e/scenarios.py > /dev/null
	@$(PYTHON) tests/e2e/faults.py --lint

.PHONY: cppcheck analyze docs-check units-check bench-quick valgrind
# What four analyzers say of each file; slow at first, quick for what has not changed.
ANALYZE ?= gcc,clang,tidy,cppcheck
analyze: deps-test
	@nice -n 10 $(PYTHON) -B tests/lint/analyze.py build/analyze --only $(ANALYZE) -- $(CFLAGS_ALL)
units-check:
	@tests/lint/units.sh
# What is switched off, and why: tests/lint/analyze.py.
cppcheck:
	@cppcheck -q --std=c11 --language=c --enable=warning,performance,portability -j$$(nproc) \
		--inline-suppr --suppress=missingInclude --suppress=missingIncludeSystem \
		--suppress=unknownMacro --suppress=internalAstError --error-exitcode=1 -I. -Idaemon daemon probes alerts && \
		echo "cppcheck: clean"

docs: $(B)/triaged $(B)/triage
	@$(B)/triaged --manual > docs/configuration.md
	@$(B)/triaged --manual=api > docs/api-reference.md
	@$(B)/triage __page cli-reference.md > docs/cli-reference.md
docs-check: $(B)/triaged $(B)/triage
	@$(B)/triaged --manual | diff -u docs/configuration.md - > /dev/null && \
		$(B)/triaged --manual=api | diff -u docs/api-reference.md - > /dev/null && \
		$(B)/triage __page cli-reference.md | diff -u docs/cli-reference.md - > /dev/null && \
		echo "docs: as generated" || { echo "docs/ is stale: make docs"; exit 1; }

# ---- measures ----

FLOORS := $(patsubst tests/bench/%.c,$(B)/%,$(wildcard tests/bench/floor*.c))
$(FLOORS): $(B)/%: tests/bench/%.c
	@mkdir -p $(@D)
	$(QUIET)$(CC) -std=gnu11 -O2 -Wall -Wextra $(PKG_CFLAGS) -o $@ $< -Wl,--as-needed $(PKG_LIBS)

# What a room costs by itself.
RATES := $(patsubst tests/bench/%.c,$(B)/%,$(wildcard tests/bench/*_rate.c))
$(RATES): $(B)/%: tests/bench/%.c $(LIB)
	@mkdir -p $(@D)
	$(QUIET)$(CC) $(CFLAGS_ALL) $(LDFLAGS_ALL) -o $@ $< $(LIB) $(LDLIBS_ALL)

# Receivers fail in turns while the daemon is killed: 1,000 incidents, 200 kills.
chaos: deps-test
	@$(MAKE) --no-print-directory -s -j$$(nproc) all
	@TRIAGED_BUILD=$(abspath $(B)) $(PYTHON) tests/e2e/chaos.py $(CHAOS_ARGS)

# Hours of thousands of checks with random faults: what grows, what is missed?  The report is in
# build/soak.  An hour in real time; a day of the daemon's clock in half an hour:
# make soak SOAK_ARGS="--hours 24 --hasten 48 --interval 60"
soak: deps-test $(B)/hangfs
	@$(MAKE) --no-print-directory -s -j$$(nproc) all
	@TRIAGED_BUILD=$(abspath $(B)) $(PYTHON) tests/e2e/soak.py $(SOAK_ARGS)

# 5,000 checks that fail in one second.
bench-storm: deps-test
	@$(MAKE) --no-print-directory -s -j$$(nproc) all
	@$(PYTHON) -B tests/bench/bench.py $(B) --only storm --json $(B)/bench/storm.json

# One table of what it costs, beside the least that anybody could; leaves $(B)/bench/bench.json.
# make bench BENCH_ARGS="--only http,memory --seconds 20"; bench-quick shows that the bench works.
bench bench-quick: deps-test
	@$(MAKE) --no-print-directory -s -j$$(nproc) all $(FLOORS) $(RATES)
	@$(PYTHON) -B tests/bench/bench.py $(B) $(if $(filter bench-quick,$@),--quick) $(BENCH_ARGS)

# Others in the field, the same work in the same run; LAB is the harness, a folder beside this one.
# Who is not installed is left out: contrib/packages/install peers, as root, brings them.
LAB ?= ../shared/lab
.PHONY: bench-peers
bench-peers:
	@$(MAKE) --no-print-directory -s -j$$(nproc) all
	@$(PYTHON) -B tests/bench/peers.py $(B) --lab "$(LAB)" $(BENCH_ARGS)

# Which functions run all the time, for the linker: after much has changed.  Looked at in a program that is
# linked without it, because valgrind knows no files of functions that are not in .text.
.PHONY: hot
hot: deps-test
	@$(MAKE) --no-print-directory -s -j$$(nproc) HOT= B=build-hot all
	@$(PYTHON) -B tests/bench/hot.py build-hot

# What was measured last, written into the documents.
.PHONY: bench-docs
bench-docs:
	@$(PYTHON) -B tests/bench/page.py --take $(B)/bench

# ---- at night: what is too long for every push ----

valgrind: units
	@UNDER_VALGRIND=1 tests/run_units.sh $(B) valgrind -q --error-exitcode=99 --leak-check=full \
		--errors-for-leak-kinds=definite --child-silent-after-fork=yes

# Each part by itself: make nightly PARTS="e2e fuzz"
# The stories of several loops, under ThreadSanitizer: the first race ends the daemon.
.PHONY: tsan
tsan:
	@$(MAKE) --no-print-directory SAN=thread SKIP_UI=1 -j$$(nproc) all build-tsan/tests/io/mailbox_test
	@TSAN_OPTIONS="exitcode=66 halt_on_error=1 suppressions=$(CURDIR)/tests/tsan.supp" build-tsan/tests/io/mailbox_test
	@TSAN_OPTIONS="exitcode=66 halt_on_error=1 suppressions=$(CURDIR)/tests/tsan.supp" TRIAGED_BUILD=$(CURDIR)/build-tsan \
		$(PYTHON) -m pytest -q -p no:cacheprovider tests/e2e/loops_test.py

nightly: deps-test
	@$(MAKE) --no-print-directory ui-tools || echo "no npm registry: the dashboard is not tested"
	@tests/nightly.sh $(PARTS)

# What is shipped, tried as those who get it: packages, image, units.  make ship SHIP="deb boot"
.PHONY: ship
ship:
	@contrib/packages/install build test ship
	@$(MAKE) --no-print-directory -s -j$$(nproc) all
	@tests/ship/run.sh $(B) $(SHIP)

# ---- for packagers ----

# From the tables of the program, like docs/.
MAN := triage.1 triaged.8 triaged.yaml.5
.PHONY: man
man: $(MAN:%=$(B)/man/%)
$(B)/man/%: $(B)/triage
	@mkdir -p $(@D)
	@$(B)/triage __page $* > $@

.PHONY: dist screenshots
# docs/screenshots, from real servers of which one breaks; takes five minutes.
screenshots: deps-test ui-tools
	@$(MAKE) --no-print-directory -s -j$$(nproc) all
	@$(PYTHON) tests/ui/screenshots.py $(B) docs/screenshots
dist: $(UI)/assets.c
	@contrib/dist.sh $(VERSION) $(UI) $(B)/triaged-$(VERSION).tar.gz

# A package for Debian of the last commit (or of this tarball), in build/deb.
deb:
	@contrib/packages/install build deb
	@$(if $(wildcard .git),$(MAKE) --no-print-directory dist)
	@CC="$(CC)" contrib/deb.sh $(VERSION) $(B)

$(B)/completion/%: $(B)/triage
	@mkdir -p $(@D)
	@$(B)/triage completion $* > $@

INSTALL := DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" UNITDIR="$(UNITDIR)" ZSHDIR="$(ZSHDIR)" contrib/install.sh
install: all man $(addprefix $(B)/completion/,bash zsh fish)
	@$(INSTALL) install $(B)
uninstall:
	@$(INSTALL) uninstall $(B)
