# Every command of this repository; the build machine runs `make test` and nothing else.
# Not here: how a step works inside (scripts/).

# Outside of the tree, so that worktrees and fresh clones share the C++ that takes minutes to compile.
CACHE := $(HOME)/.cache/sluicegate
CARGO_TARGET_DIR ?= $(CACHE)/target
export CARGO_TARGET_DIR

# Tests against real brokers wait nearly all of their time, the longest for three minutes: more at once than there are cores.
TEST_THREADS ?= 6

# What `make sim` runs: N seeds, from SEED on.
SEED ?=
N ?= 200

.DEFAULT_GOAL := help
.PHONY: help setup build demo test quick sim bench check clean

help: ## Lists these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## Installs what the C and C++ parts and the tests need, if it is missing
	@scripts/setup.sh

build: setup ## Builds the optimised program
	@scripts/announce.sh
	cargo build --release --locked
	@echo "built $(CARGO_TARGET_DIR)/release/sluicegate" >&2

demo: build ## Shows the whole of it on one machine: no Kafka, no account at a CRM
	$(CARGO_TARGET_DIR)/release/sluicegate demo

test: setup ## Proves everything, brokers included, from a fresh clone
	cargo fmt --check
	@scripts/announce.sh
	cargo clippy --release --locked --all-targets --features broker-tests -- -D warnings
	RUST_TEST_THREADS=$(TEST_THREADS) cargo test --release --locked --features broker-tests --no-fail-fast

quick: ## Proves all that decides, in a simulated world: no socket, terminal, broker or store is compiled
	CARGO_TARGET_DIR=$(CACHE)/quick SLUICEGATE_SIM_SEEDS=200 cargo test --locked --no-default-features

sim: setup ## Runs N seeds of the simulator (SEED= for the first one, N=)
	@scripts/announce.sh
	$(if $(SEED),SLUICEGATE_SIM_FIRST=$(SEED)) SLUICEGATE_SIM_SEEDS=$(N) cargo test --release --locked --features broker-tests --test sim every_seed -- --nocapture

bench: setup ## Measures against a bare HTTP client on the same machine
	cargo bench --locked --features broker-tests

check: setup ## Form only: fmt, clippy, docs
	cargo fmt --check
	@scripts/announce.sh
	cargo clippy --release --locked --all-targets --features broker-tests -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --no-deps

clean: ## Removes all that was built here
	cargo clean
	CARGO_TARGET_DIR=$(CACHE)/quick cargo clean
