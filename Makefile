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
PKGS       := libdpdk libcyaml yaml-0.1 jansson libevent libevent_pthreads openssl libnl-3.0 libnl-route-3.0
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
