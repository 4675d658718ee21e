# Everything is pure Go: no target needs a C compiler but `bench`, for its floor.
GO ?= go
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
VERSION := $(shell cat VERSION)
# A source archive has the file RELEASE in the place of git.
COMMIT := $(shell git describe --dirty --long --always --exclude '*' 2>/dev/null || sed -n 's/^commit=//p' RELEASE 2>/dev/null)
LDFLAGS := -s -w -X main.gitCommit=$(COMMIT)
BUILD = CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS)"
ARCHES ?= amd64 arm64 arm 386 riscv64 ppc64le s390x loong64
PACKAGE_ARCHES ?= amd64 arm64
DIST ?= dist
# What people install; the tests build their own beside them.
TOOLS := recvtty $(notdir $(wildcard contrib/cmd/seccompagent))
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.DEFAULT_GOAL := runc
.PHONY: runc tools demo test deps unittest integration bench lint install cross clean test-vm test-systemd release packages test-release unittest-race coverage

runc:
	$(BUILD) -o runc .

tools:
	@for t in $(TOOLS); do $(BUILD) -o $$t ./contrib/cmd/$$t || exit 1; done

demo: runc
	@tests/demo

# Packages are installed by `make deps`, or where CI=true says that nobody minds.
test: runc tools
	@tests/install-deps $(if $(filter true,$(CI)),,--check)
	tests/run

deps:
	@tests/install-deps

unittest:
	$(GO) test ./...

# The race detector is the one thing that needs cgo.
unittest-race:
	CGO_ENABLED=1 $(GO) test -race ./...

coverage:
	$(GO) test -coverprofile=coverage.out ./...
	$(GO) tool cover -func=coverage.out | tail -n 1

integration: runc tools
	tests/integration/run

# The integration tests with the driver for systemd: in a container in which
# systemd is pid 1.
test-systemd: runc tools
	tests/box/run

# The whole suite on a systemd + cgroup v2 host: a virtual machine.
test-vm: runc tools
	tests/vm/run --all

bench: runc
	tests/bench/run

lint:
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "gofmt would change: $$out"; exit 1; }
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	shellcheck $$(git ls-files | xargs grep -lE '^#!(/bin/|/usr/bin/env )(ba)?sh')

install: runc
	install -D -m 755 runc $(DESTDIR)$(BINDIR)/runc
	install -D -m 644 contrib/completions/bash/runc $(DESTDIR)$(PREFIX)/share/bash-completion/completions/runc
	install -D -m 644 contrib/completions/zsh/_runc $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_runc
	install -D -m 644 contrib/completions/fish/runc.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/runc.fish
	for m in man/*.8; do install -D -m 644 $$m $(DESTDIR)$(MANDIR)/man8/$${m##*/} || exit 1; done

cross:
	@for a in $(ARCHES); do \
		echo "linux/$$a"; \
		CGO_ENABLED=0 GOOS=linux GOARCH=$$a $(GO) build -o /dev/null . || exit 1; \
	done

# A release is built twice, and the .deb installed on a Debian in the box.
test-release: runc tools
	ALSO="release packages" tests/release/run

# Archives, sources, checksums and a bill of materials of what is committed.
release:
	packaging/release $(DIST) $(ARCHES)

# .deb, .rpm and .apk for the architectures that distributions have.
packages:
	packaging/packages $(DIST) $(PACKAGE_ARCHES)

clean:
	rm -rf $(DIST)
	rm -f runc $(TOOLS) tests/bench/floor tests/bench/bench
