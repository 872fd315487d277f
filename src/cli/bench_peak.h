#pragma once

namespace riffle {

/// Prints the multiply-adds that one core can do on registers alone, on every instruction set.
void bench_peak();

}  // namespace riffle
