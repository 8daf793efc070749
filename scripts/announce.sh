#!/usr/bin/env bash
# Says so before the first build, which is long and otherwise looks stuck.
# Not here: the build.
set -eu

target="${CARGO_TARGET_DIR:-target}"

# The built archive, not the folder: a build that was broken off starts again.
if ! find "$target/release/build" -name librocksdb.a -print -quit 2>/dev/null | grep -q .; then
    echo "first build: RocksDB and librdkafka compile once, about 12 minutes on 2 cores; kept in $target" >&2
fi
