#include "targets/log_floor.h"

namespace riffle {
namespace {

template <class T>
struct LogFloorKernels {
  void (*apply)(T floor, T* log_density, Tile<T> gradient);

  template <class Maths>
  static LogFloorKernels of() {
    return {&Maths::apply};
  }
};

}  // namespace
}  // namespace riffle

#define RIFFLE_MATHS "targets/log_floor.inc"
#define RIFFLE_CLASS LogFloor
#define RIFFLE_KERNELS LogFloorKernels
#include "lanes/instantiate.h"

namespace riffle {
namespace {

template <class T>
class FlooredDensity final : public Density<T> {
 public:
  FlooredDensity(std::unique_ptr<Density<T>> density, double floor, InstructionSet set)
      : Density<T>(density->dim()),
        density_(std::move(density)),
        floor_(floor),
        kernels_(kernels_for<T>(set)) {}

 private:
  void evaluate_impl(Tile<const T> z, T* log_density, Tile<T> gradient) const override {
    density_->evaluate(z, log_density, gradient);
    kernels_.apply(T(floor_), log_density, gradient);
  }

  std::unique_ptr<Density<T>> density_;
  double floor_;
  LogFloorKernels<T> kernels_;
};

}  // namespace

template <class T>
std::unique_ptr<Density<T>> with_log_floor(std::unique_ptr<Density<T>> density, double floor,
                                           InstructionSet set) {
  if (floor == 0) return density;
  return std::make_unique<FlooredDensity<T>>(std::move(density), floor, set);
}

template std::unique_ptr<Density<float>> with_log_floor(std::unique_ptr<Density<float>>, double,
                                                        InstructionSet);
template std::unique_ptr<Density<double>> with_log_floor(std::unique_ptr<Density<double>>, double,
                                                         InstructionSet);
template std::unique_ptr<Density<Dual>> with_log_floor(std::unique_ptr<Density<Dual>>, double,
                                                       InstructionSet);

}  // namespace riffle
