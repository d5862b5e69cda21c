#!/usr/bin/env bash
# All that a card alone can prove, with one command on a machine that has one: tests/gpu/on_device.sh [folder]. Writes the card's
# description, compares every operation and whole trainings with the CPU, looks for memory errors and races, tunes, and times
# LeNet beside PyTorch, if that is installed; what was found stands in <folder>/report.txt. With `--fake` before the folder the
# same steps go through the fake driver of the tests, to try this script itself.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

card=1
if [[ ${1:-} == --fake ]]; then card=; shift; fi
folder=$(realpath -m "${1:-build/card}")
mkdir -p "$folder"
cmake --preset release -B "$folder/build" -DTARN_BUILD_EXAMPLES=OFF -DTARN_BUILD_BENCHMARKS=OFF >"$folder/configure.txt"
cmake --build "$folder/build" --target tests_gpu
tests=$folder/build/tests/tests_gpu
if ((card)); then
  export TARN_TEST_CARD=1 TARN_CACHE_DIR=$folder/cache
else
  unset TARN_TEST_CARD
fi

exec > >(tee "$folder/report.txt") 2>&1
failed=()
# step <title> <command>...: goes on after a failure, which the last line names.
step() {
  local title=$1
  shift
  echo "== $title"
  "$@" || failed+=("$title")
}
((card)) && step "card" nvidia-smi --query-gpu=name,driver_version,clocks.sm,clocks.max.sm,memory.total --format=csv,noheader

step "description: to tests/gpu/devices, if it differs" env TARN_DESCRIPTION="$folder/device.json" "$tests" "[describe]"
step "parity with the CPU" "$tests" "[card]"
if sanitizer=$(command -v compute-sanitizer) && ((card)); then
  step "memory errors" "$sanitizer" --tool memcheck --error-exitcode 1 "$tests" "[card]~[train]"
  step "races" "$sanitizer" --tool racecheck --error-exitcode 1 "$tests" "[card]~[train]"
else
  echo "== memory errors and races: not looked for, which takes a card and compute-sanitizer"
fi
step "times, as the heuristics choose" "$tests" "[times]"
step "times by layer, of steps that are not graphs" "$tests" "[profile_of_layers]"
step "tuning" env TARN_AUTOTUNE=1 "$tests" "[times]"
step "times, tuned" env TARN_AUTOTUNE=1 "$tests" "[times]"
step "times, TF32" env TARN_AUTOTUNE=1 TARN_TF32=1 "$tests" "[times]"
if python3 -c 'import torch' 2>/dev/null; then
  step "PyTorch" python3 tests/gpu/peer_torch.py ${card:---cpu}
else
  echo "== PyTorch: not installed"
fi

if ((${#failed[@]})); then
  printf 'failed: %s\n' "${failed[@]}"
  exit 1
fi
echo "all passed"
