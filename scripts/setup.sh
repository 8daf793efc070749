#!/usr/bin/env bash
# Installs what librdkafka (C) and RocksDB (C++) need to compile, if Debian's package list says it is missing, and
# promtool, with which the rules of deploy/prometheus are tested.
# Not here: Rust itself; rust-toolchain.toml pins it and rustup fetches it.
set -eu

# g++ and make: librdkafka and RocksDB. libclang-dev: the bindings of RocksDB are made at build time.
# libssl-dev and pkg-config: librdkafka and the HTTP client link the same OpenSSL.
packages="g++ make libclang-dev libssl-dev pkg-config"

if ! command -v cargo >/dev/null; then
    echo "setup: cargo is missing: install Rust with rustup (https://rustup.rs), then run this again" >&2
    exit 1
fi

if ! command -v dpkg-query >/dev/null; then
    echo "setup: this is no Debian or Ubuntu; make sure that a C++ compiler, make, pkg-config" >&2
    echo "setup: and the development files of libclang and OpenSSL are installed, and promtool of Prometheus" >&2
    exit 0
fi

missing=""
for package in $packages; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    if [ "$status" != "installed" ]; then
        missing="$missing $package"
    fi
done

# Debian has promtool in the package of the server.
brings_a_server=""
if ! command -v promtool >/dev/null; then
    missing="$missing prometheus"
    brings_a_server="yes"
fi

if [ -z "$missing" ]; then
    exit 0
fi

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup: missing:$missing; install them as root, then run this again" >&2
        exit 1
    fi
    as_root="sudo"
fi

echo "setup: installing$missing" >&2
$as_root apt-get update --quiet --quiet
# shellcheck disable=SC2086 # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --quiet --yes --no-install-recommends $missing >&2

# Only the tool is wanted: a server that came with it just now does not stay. One that was there before is not touched.
if [ -n "$brings_a_server" ]; then
    if [ -d /run/systemd/system ]; then
        $as_root systemctl disable --quiet --now prometheus.service >&2
    elif command -v service >/dev/null && service prometheus status >/dev/null 2>&1; then
        $as_root service prometheus stop >&2
    fi
fi
