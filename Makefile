# weft: see README.md. `make demo` and `make check` are the two commands.
#
#   make deps      install the Debian packages that are missing (root)
#   make           build weftd, weftctl, weft-replay under build/release/
#   make check     everything that must hold: lint, unit, replay, sim, fuzz, interop
#   make demo      two tenants, four VMs, real traffic, in a minute
#   make bench | sim | fuzz | lint | unit | replay | interop | install
#
# VARIANT=san builds the same with ASan+UBSan under build/san/.

VARIANT ?= release
BUILD   := build/$(VARIANT)
PREFIX  ?= /usr/local
DESTDIR ?=

ifeq ($(filter deps clean lint,$(MAKECMDGOALS)),)
PKGS       := libdpdk libcyaml yaml-0.1 jansson libevent libevent_pthreads libevent_openssl openssl libnl-3.0 libnl-route-3.0
PKG_CFLAGS := $(patsubst -I%,-isystem %,$(filter-out -march=%,$(shell pkg-config --cflags $(PKGS) 2>/dev/null)))
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lpcap -lpthread
endif

CC       ?= gcc
WARN     := -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
STRICT   := -Wconversion -Wno-sign-conversion
CFLAGS_release := -O3 -g -march=x86-64-v2 -mtune=generic
CFLAGS_san     := -O1 -g -march=x86-64-v2 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS   := -std=gnu17 -D_GNU_SOURCE -DALLOW_EXPERIMENTAL_API $(WARN) $(CFLAGS_$(VARIANT)) -I. $(PKG_CFLAGS)
LDFLAGS_san := -fsanitize=address,undefined
LDFLAGS  := $(LDFLAGS_$(VARIANT))

# Rooms whose warnings are stricter (wire integers live there).
PURE  := base lacp stp vrrp vxlan ofproto/wire ofproto/model ofproto/session
ROOMS := $(PURE) datapath ofproto/compile control
SRC   := $(foreach r,$(ROOMS),$(wildcard $(r)/*.c))
OBJ   := $(SRC:%.c=$(BUILD)/%.o)
LIB   := $(BUILD)/libweft.a
MAINS := $(patsubst control/cmd/%.c,%,$(wildcard control/cmd/*.c))
BINS  := $(MAINS:%=$(BUILD)/bin/%)
UNITS := $(patsubst tests/unit/%_test.c,%,$(wildcard tests/unit/*_test.c))
UNIT_BINS := $(UNITS:%=$(BUILD)/tests/unit/%_test)

.SECONDARY:
.PHONY: all unit clean
all: $(BINS)

$(foreach r,$(PURE),$(eval $(BUILD)/$(r)/%.o: CFLAGS += $(STRICT)))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC   $<"
	@$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(LIB): $(OBJ)
	@rm -f $@
	@echo "  AR   $@"
	@ar rcs $@ $^

$(BUILD)/bin/%: $(BUILD)/control/cmd/%.o $(LIB)
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS) $< $(LIB) $(PKG_LIBS) -o $@

# Test programs may use helpers in tests/unit/support*.c
SUPPORT := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/unit/support*.c))
$(BUILD)/tests/unit/%_test: $(BUILD)/tests/unit/%_test.o $(SUPPORT) $(LIB)
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS) $< $(SUPPORT) $(LIB) $(PKG_LIBS) -lcmocka -o $@

# make unit [T=name]: one or all unit tests
unit: $(if $(T),$(BUILD)/tests/unit/$(T)_test,$(UNIT_BINS))
	@set -e; for t in $(if $(T),$(BUILD)/tests/unit/$(T)_test,$(UNIT_BINS)); do echo "  TEST $$t"; $$t; done

clean:
	rm -rf build

-include $(shell find build -name '*.d' 2>/dev/null)

# ---- fuzz: clang's libFuzzer over the same sources, a bounded time each ----
FUZZERS   := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
FUZZ_BINS := $(FUZZERS:%=build/fuzz/bin/%)
FUZZ_TIME ?= 60
FUZZ_OBJ  := $(SRC:%.c=build/fuzz/%.o)
FUZZ_FLAGS = -std=gnu17 -D_GNU_SOURCE -DALLOW_EXPERIMENTAL_API -O1 -g -march=x86-64-v2 -I. $(PKG_CFLAGS) \
             -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -w

build/fuzz/%.o: %.c
	@mkdir -p $(@D)
	@clang $(FUZZ_FLAGS) -MMD -MP -c $< -o $@

build/fuzz/libweft.a: $(FUZZ_OBJ)
	@rm -f $@ && ar rcs $@ $^

build/fuzz/bin/%: build/fuzz/tests/fuzz/%_fuzz.o build/fuzz/libweft.a
	@mkdir -p $(@D)
	@echo "  LD   $@"
	@clang -fsanitize=fuzzer,address,undefined $< build/fuzz/libweft.a $(PKG_LIBS) -o $@

.PHONY: fuzz fuzz-build
fuzz-build: $(FUZZ_BINS)
fuzz: fuzz-build
	@tests/fuzz/run.sh $(FUZZ_TIME) $(FUZZERS)

# ---- the rest of the house ----
.PHONY: deps lint format check demo bench sim replay interop install stages
deps:
	@tests/tools/deps.sh build

lint:
	@tests/lint/lint.py build/release

format:
	clang-format-14 -i $$(git ls-files -co --exclude-standard '*.c' '*.h')

# Each is a stage of check; `make check` installs, then runs them with a line each.
check:
	@tests/tools/deps.sh check
	@$(MAKE) --no-print-directory stages

STAGES := build       '$(MAKE) -j2 all' \
          lint        '$(MAKE) lint' \
          unit        '$(MAKE) -j2 unit-build && $(MAKE) unit' \
          unit-san    '$(MAKE) -j2 VARIANT=san unit-build && $(MAKE) VARIANT=san unit' \
          replay      '$(MAKE) replay' \
          replay-san  '$(MAKE) -j2 VARIANT=san all && $(MAKE) VARIANT=san replay' \
          sim         '$(MAKE) sim' \
          sim-san     '$(MAKE) VARIANT=san sim' \
          fuzz        '$(MAKE) -j2 fuzz-build && $(MAKE) fuzz FUZZ_TIME=10' \
          interop     '$(MAKE) interop' \
          bench-smoke '$(MAKE) bench-smoke' \
          demo        '$(MAKE) demo'
stages:
	@tests/tools/run.py $(STAGES)

.PHONY: unit-build
unit-build: $(UNIT_BINS)

demo:
	@tests/tools/deps.sh demo
	@$(MAKE) --no-print-directory -j2 all
	@tests/demo/demo.sh $(BUILD)/bin
	@tests/demo/two_hosts.sh $(BUILD)/bin
	@tests/demo/migration.sh $(BUILD)/bin

replay: all
	@tests/replay/run.sh $(BUILD)/bin/weft-replay pcaps

sim: $(BUILD)/tests/sim/sim
	@$(BUILD)/tests/sim/sim $(SIM_ARGS)
SIM_SRC := $(wildcard tests/sim/*.c) $(wildcard tests/unit/support_stp*.c)
$(BUILD)/tests/sim/sim: $(SIM_SRC:%.c=$(BUILD)/%.o) $(LIB)
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS) $^ $(PKG_LIBS) -lcmocka -o $@

# make interop [K=expression]: against implementations that nobody here wrote
HOSTS := $(patsubst tests/interop/%.c,$(BUILD)/tests/interop/%,$(wildcard tests/interop/*.c))
$(BUILD)/tests/interop/%: $(BUILD)/tests/interop/%.o $(LIB)
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS) $< $(LIB) $(PKG_LIBS) -o $@
$(BUILD)/tests/interop/lacp_peer: PKG_LIBS += -lrte_net_bond
interop: all $(HOSTS)
	@/usr/bin/python3 -m pytest -q -x -p no:cacheprovider $(if $(K),-k '$(K)') tests/interop

# make bench [BENCH=a,b,d] [ROUNDS=3] [BENCH_ARGS='--all']: weft, Open vSwitch and testpmd in turns on one CPU, and how docs/performance.md
# came by its figures. `make microbench` has the C programs: parts of the packet path alone.
BENCH  ?=
ROUNDS ?= 3
PLUGIN := build/bench/weftgen.so
$(PLUGIN): $(wildcard tests/bench/plugin/*) Makefile
	@mkdir -p $(@D)
	@tests/bench/plugin/headers.sh build/bench/dpdk-drivers
	@echo "  LD   $@"
	@$(CC) -std=gnu17 -D_GNU_SOURCE -DALLOW_EXPERIMENTAL_API -DALLOW_INTERNAL_API $(WARN) -O3 -g -march=x86-64-v2 -fPIC -shared -I. \
	  -isystem build/bench/dpdk-drivers $(PKG_CFLAGS) tests/bench/plugin/weftgen.c -o $@ $(shell pkg-config --libs libdpdk) -lrte_bus_vdev

build/bench/ofload: tests/bench/plugin/ofload.c tests/bench/plugin/page.h
	@mkdir -p $(@D)
	@$(CC) -std=gnu17 -D_GNU_SOURCE $(WARN) -O2 -I. $< -o $@

.PHONY: plugin microbench bench-smoke
# Does the bench itself work? Exact counters, no timing; part of check.
bench-smoke: all plugin
	@/usr/bin/python3 tests/bench/smoke.py $(BUILD) $(PLUGIN)
plugin: $(PLUGIN) build/bench/ofload
bench:
	@tests/tools/deps.sh bench
	@$(MAKE) --no-print-directory -j2 all plugin
	@/usr/bin/python3 tests/bench/bench.py --cases '$(BENCH)' --rounds $(ROUNDS) --build $(BUILD) --plugin $(PLUGIN) \
	  --json build/bench/results.json $(BENCH_ARGS)
	@/usr/bin/python3 tests/bench/chart.py build/bench/results.json build/bench/results.svg > build/bench/results.md

BENCHES := $(patsubst tests/bench/%.c,$(BUILD)/tests/bench/%,$(wildcard tests/bench/*_bench.c))
$(BUILD)/tests/bench/%: $(BUILD)/tests/bench/%.o $(BUILD)/tests/bench/rules.o $(LIB)
	@echo "  LD   $@"
	@$(CC) $(LDFLAGS) $< $(BUILD)/tests/bench/rules.o $(LIB) $(PKG_LIBS) -o $@
microbench: $(BENCHES)
	@set -e; for b in $(BENCHES); do $$b; done

install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/bash-completion/completions \
	  $(DESTDIR)$(PREFIX)/share/doc/weft $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 755 $(BUILD)/bin/weftd $(DESTDIR)$(PREFIX)/sbin/weftd
	install -m 755 $(BUILD)/bin/weftctl $(BUILD)/bin/weft-replay $(DESTDIR)$(PREFIX)/bin/
	$(BUILD)/bin/weftctl completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/weftctl
	sed 's|@PREFIX@|$(PREFIX)|' control/weftd.service.in > $(DESTDIR)$(PREFIX)/lib/systemd/system/weftd.service
	install -m 644 README.md docs/*.md $(DESTDIR)$(PREFIX)/share/doc/weft/
