#!/usr/bin/env bash
# bench/link.sh [PICTURES [SECONDS]]: a cluster of two hosts whose link is cut for SECONDS in mid-run (needs root).
#
# Two network namespaces stand for two hosts: scheduler and client in one, two workers in the other. The outputs are
# compared, byte by byte, with those of a run without Dask.
set -euo pipefail
count=${1:-40} cut=${2:-20}
python=${PYTHON:-.venv/bin/python}
python=$(realpath -s "$python")
export OMP_NUM_THREADS=1 OMP_WAIT_POLICY=PASSIVE
work=$(mktemp -d)
jobs=()

clean() {
  kill "${jobs[@]}" 2>/dev/null || true
  wait "${jobs[@]}" 2>/dev/null || true
  ip netns del ipse-a 2>/dev/null || true
  ip netns del ipse-b 2>/dev/null || true
  rm -rf "$work"
}
trap clean EXIT

ip netns add ipse-a
ip netns add ipse-b
ip link add ipse-a netns ipse-a type veth peer name ipse-b netns ipse-b
for side in a b; do
  ip -n ipse-$side addr add 10.77.0.$([ $side = a ] && echo 1 || echo 2)/24 dev ipse-$side
  ip -n ipse-$side link set lo up
  ip -n ipse-$side link set ipse-$side up
done

"$python" -c "
from pathlib import Path
from bench.many import pictures
pictures(Path('$work/in'), $count, 96)"

fit=(-m ipse denoise "$work/in" --preset fast --rule last --threads 1)
in_a=(ip netns exec ipse-a "$python") # not functions: $! is to be the program, which is ended by it
in_b=(ip netns exec ipse-b "$python")

"${in_a[@]}" -m distributed.cli.dask_scheduler --host 10.77.0.1 --port 8786 --no-dashboard >"$work/scheduler.log" 2>&1 &
jobs+=($!)
"${in_b[@]}" -m distributed.cli.dask_worker tcp://10.77.0.1:8786 --host 10.77.0.2 --nworkers 2 --nthreads 1 \
  --memory-limit 0 --no-dashboard --local-directory "$work/scratch" >"$work/workers.log" 2>&1 &
jobs+=($!)
until [ "$(grep -c 'Registered to' "$work/workers.log")" = 2 ]; do sleep 1; done

"${in_a[@]}" "${fit[@]}" -o "$work/out" --scheduler tcp://10.77.0.1:8786 2>"$work/client.log" &
client=$!
until [ "$(find "$work/out" -name '*_ipse.png' 2>/dev/null | wc -l)" -ge 4 ]; do sleep 0.5; done
echo "link down with $(find "$work/out" -name '*_ipse.png' | wc -l) of $count outputs there"
ip -n ipse-a link set ipse-a down
sleep "$cut"
ip -n ipse-a link set ipse-a up
echo "link up after $cut s with $(find "$work/out" -name '*_ipse.png' | wc -l) outputs there"
wait $client && code=0 || code=$?
tail -n 1 "$work/client.log"
echo "exit code $code"

"$python" "${fit[@]}" -o "$work/whole" --quiet
same=0
for path in "$work"/whole/*_ipse.png; do cmp -s "$path" "$work/out/${path##*/}" && same=$((same + 1)); done
echo "$same of $count outputs byte-identical to a run without Dask"
[ "$same" = "$count" ] && [ "$code" = 0 ]
