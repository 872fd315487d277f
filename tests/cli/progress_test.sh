#!/usr/bin/env bash
# The scripts that build and test show life, say what failed, and end with the status of what they ran.
. "$(dirname "$0")/lib.sh"
tools=$SOURCE/tools

# steps LINE...: says one line every 0.7 s, as ninja or ctest does.
cat >steps <<'END'
#!/bin/sh
for line; do echo "$line"; sleep 0.7; done
exit "${STATUS:-0}"
END
chmod +x steps

# watched STATUS ARGUMENT...: with_progress.sh ends with it; what it says is in $log/out.
watched() {
  local status=$1
  shift
  STATUS=$status RIFFLE_PROGRESS_SECONDS=1 "$tools/with_progress.sh" "$@" >"$log/out" 2>"$log/err"
  local got=$?
  [ $got -eq "$status" ] || fail "with_progress.sh: exit status $got, not $status"
  [ ! -s "$log/err" ] || fail "with_progress.sh says $(cat "$log/err")"
}
watched 0 build.log steps ./steps '[1/3] one' '[2/3] two' '[3/3] three'
says ' of 3 steps, 0:0' 'progress of a build'
printf '[1/3] one\n[2/3] two\n[3/3] three\n' >expected
same_file build.log expected
watched 0 build.log steps ./steps '[1/900] one' '[2/900] two'
says '  900 steps, from scratch roughly ' 'a long build'
[ "$(grep -c 'from scratch' "$log/out")" -eq 1 ] || fail "says more than once how long it takes"
watched 8 tests.log tests ./steps ' 1/3 Test  #2: a.b .....   Passed    0.01 sec' \
  ' 2/3 Test  #3: c.d/0 ...***Failed    0.02 sec' ' 3/3 Test  #1: e ...***Skipped   0.02 sec'
says ' of 3 tests, 1 failed, 0:0' 'progress of tests'
[ "$(grep -c FAILED "$log/out")" -eq 1 ] || fail "failures are not told once: $(cat "$log/out")"
if grep 'from scratch' "$log/out"; then fail "tests are no build"; fi
says 'FAILED  c.d/0 (Failed, 0.02 sec)' 'the test that failed'
watched 7 empty.log steps sh -c 'exit 7'
# shellcheck disable=SC2016  # the inner shell's
STATUS=0 "$tools/with_progress.sh" killed.log steps sh -c 'kill -9 $$' >"$log/out" 2>&1
[ $? -eq 137 ] || fail "the status of a command that is killed"
"$tools/with_progress.sh" none.log steps ./there_is_none >"$log/out" 2>&1
[ $? -eq 127 ] || fail "the status of a command that is not there"

# Tests in a tree of its own, with another's name for ctest.
mkdir -p tree/tools tree/build/release bin
cp "$tools"/{run_tests,with_progress}.sh tree/tools
cat >bin/ctest <<'END'
#!/bin/sh
cat "$CTEST_SAYS"
exit "$CTEST_STATUS"
END
chmod +x bin/ctest
run_tests() { # STATUS
  CTEST_SAYS=$PWD/said CTEST_STATUS=$1 PATH=$PWD/bin:$PATH tree/tools/run_tests.sh release >"$log/out" 2>"$log/err"
  local got=$?
  [ $got -eq "$1" ] || fail "run_tests.sh: exit status $got, not $1"
}
cat >said <<'END'
Test project /somewhere
      Start 1: good
1/3 Test #1: good ........   Passed    0.01 sec
      Start 2: bad
      Start 3: skipped
2/3 Test #2: bad .........***Failed    0.02 sec
it was 3, not 4
100 lines more
      Start 4: other
3/3 Test #3: skipped .....***Skipped   0.02 sec
no reason

50% tests passed, 1 tests failed out of 2

Total Test time (real) =   0.05 sec
END
run_tests 8
says 'it was 3, not 4' 'what a failing test says'
for text in good 'no reason' Start; do
  if grep -q "$text" "$log/out"; then fail "run_tests.sh shows more than failures: $text"; fi
done
tail -n 3 said >expected
tail -n 3 "$log/out" >found
same_file found expected
same_file tree/build/release/tests.log said
sed -i -e '/bad/,/more/d' -e 's/^50% .*/100% tests passed, 0 tests failed out of 1/' said
run_tests 0
tail -n +2 "$log/out" >found
tail -n 3 said >expected
same_file found expected
sed -i "5,\$ d" said
run_tests 9
grep -q 'not run to the end' "$log/err" || fail "tests that ended early: $(cat "$log/err")"

finish
