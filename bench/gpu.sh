#!/usr/bin/env bash
# All results of a GPU with one command, on a machine that may have nothing but its driver.
#
#   bench/gpu.sh pack                       here: one archive that carries all that is needed
#   tar xzf table6-gpu.tgz                  there
#   table6-gpu/run all --train DATA         there: check, speed, peers, training, report
#
# In a checkout with its dependencies `bench/gpu.sh all` runs as well. `bench/gpu.sh help` says more.
# This part only finds Node.js; bench/gpu/launch.ts finds the driver, bench/gpu.ts does the work.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

if [ -x "$root/kit/bin/node" ]; then
  node=$root/kit/bin/node
elif [ -x "$root/node_modules/node/bin/node" ]; then
  node=$root/node_modules/node/bin/node
else
  echo 'bench/gpu.sh: there is no Node.js here: run "npm ci" first, or take the kit that "bench/gpu.sh pack" builds.' >&2
  exit 1
fi
# A minimal system may lack even the C++ library; the kit's stands in for it.
if ! "$node" --version > /dev/null 2>&1; then
  runtime=$root/kit/lib/libstdc++.so.6:$root/kit/lib/libgcc_s.so.1
  export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$runtime
  if ! "$node" --version > /dev/null; then
    echo 'bench/gpu.sh: Node.js does not start here: it needs Linux on x86-64 with glibc 2.28 or newer.' >&2
    exit 1
  fi
fi
exec "$node" "$root/bench/gpu/launch.ts" "$@"
