#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <functional>
#include <numbers>
#include <span>
#include <utility>
#include <vector>

#include "riffle/target.h"

namespace riffle {

/// A log density with its gradient from a function of a point alone, by differences of fourth
/// order: four more calls for each coordinate. Where the function is smooth over steps of 1e-3 (of
/// 1 + |z_d|), the gradient is good to some 1e-11 of the function's size; a kink or a cliff nearer
/// than that spoils it. Where the function is not finite on one side, the difference is taken on
/// the other, to first order; where it is on neither, that derivative is NaN. As thread-safe as the
/// function. For trying; automatic_gradient is faster and exact.
LogDensity numeric_gradient(std::function<double(std::span<const double>)> log_density);

/// A value with its derivatives by `lanes` coordinates, which ordinary arithmetic carries along.
/// Comparisons look at the value alone.
class Derivable {
 public:
  static constexpr std::size_t lanes = 8;

  Derivable() = default;
  Derivable(double value) : value_(value) {}  // NOLINT(google-explicit-constructor)
  /// The coordinate that the k-th derivative is by.
  static Derivable coordinate(double value, std::size_t k) {
    Derivable x(value);
    if (k < lanes) x.slopes_[k] = 1;
    return x;
  }

  double value() const { return value_; }
  double slope(std::size_t k) const { return slopes_[k]; }

  /// f(a) by its value and derivative there.
  static Derivable chain(const Derivable& a, double value, double slope) {
    Derivable r(value);
    for (std::size_t k = 0; k < lanes; ++k) {
      r.slopes_[k] = a.slopes_[k] == 0 ? 0 : slope * a.slopes_[k];
    }
    return r;
  }
  /// f(a, b) by its value and both derivatives.
  static Derivable chain(const Derivable& a, const Derivable& b, double value, double by_a,
                         double by_b) {
    Derivable r(value);
    for (std::size_t k = 0; k < lanes; ++k) {
      r.slopes_[k] = (a.slopes_[k] == 0 ? 0 : by_a * a.slopes_[k]) +
                     (b.slopes_[k] == 0 ? 0 : by_b * b.slopes_[k]);
    }
    return r;
  }

  friend Derivable operator+(const Derivable& a) { return a; }
  friend Derivable operator-(const Derivable& a) { return chain(a, -a.value_, -1); }
  friend Derivable operator+(const Derivable& a, const Derivable& b) {
    return chain(a, b, a.value_ + b.value_, 1, 1);
  }
  friend Derivable operator-(const Derivable& a, const Derivable& b) {
    return chain(a, b, a.value_ - b.value_, 1, -1);
  }
  friend Derivable operator*(const Derivable& a, const Derivable& b) {
    return chain(a, b, a.value_ * b.value_, b.value_, a.value_);
  }
  friend Derivable operator/(const Derivable& a, const Derivable& b) {
    const double q = a.value_ / b.value_;
    return chain(a, b, q, 1 / b.value_, -q / b.value_);
  }
  Derivable& operator+=(const Derivable& b) { return *this = *this + b; }
  Derivable& operator-=(const Derivable& b) { return *this = *this - b; }
  Derivable& operator*=(const Derivable& b) { return *this = *this * b; }
  Derivable& operator/=(const Derivable& b) { return *this = *this / b; }

  friend bool operator==(const Derivable& a, const Derivable& b) { return a.value_ == b.value_; }
  friend auto operator<=>(const Derivable& a, const Derivable& b) { return a.value_ <=> b.value_; }

 private:
  double value_ = 0;
  std::array<double, lanes> slopes_{};
};

inline Derivable exp(const Derivable& a) {
  const double e = std::exp(a.value());
  return Derivable::chain(a, e, e);
}
inline Derivable expm1(const Derivable& a) {
  return Derivable::chain(a, std::expm1(a.value()), std::exp(a.value()));
}
inline Derivable log(const Derivable& a) {
  return Derivable::chain(a, std::log(a.value()), 1 / a.value());
}
inline Derivable log1p(const Derivable& a) {
  return Derivable::chain(a, std::log1p(a.value()), 1 / (1 + a.value()));
}
inline Derivable sqrt(const Derivable& a) {
  const double r = std::sqrt(a.value());
  return Derivable::chain(a, r, r == 0 ? 0 : 0.5 / r);
}
inline Derivable abs(const Derivable& a) {
  return Derivable::chain(a, std::abs(a.value()), a.value() < 0 ? -1 : 1);
}
inline Derivable fabs(const Derivable& a) {
  return abs(a);
}
inline Derivable sin(const Derivable& a) {
  return Derivable::chain(a, std::sin(a.value()), std::cos(a.value()));
}
inline Derivable cos(const Derivable& a) {
  return Derivable::chain(a, std::cos(a.value()), -std::sin(a.value()));
}
inline Derivable tan(const Derivable& a) {
  const double t = std::tan(a.value());
  return Derivable::chain(a, t, 1 + t * t);
}
inline Derivable asin(const Derivable& a) {
  return Derivable::chain(a, std::asin(a.value()), 1 / std::sqrt(1 - a.value() * a.value()));
}
inline Derivable acos(const Derivable& a) {
  return Derivable::chain(a, std::acos(a.value()), -1 / std::sqrt(1 - a.value() * a.value()));
}
inline Derivable atan(const Derivable& a) {
  return Derivable::chain(a, std::atan(a.value()), 1 / (1 + a.value() * a.value()));
}
inline Derivable sinh(const Derivable& a) {
  return Derivable::chain(a, std::sinh(a.value()), std::cosh(a.value()));
}
inline Derivable cosh(const Derivable& a) {
  return Derivable::chain(a, std::cosh(a.value()), std::sinh(a.value()));
}
inline Derivable tanh(const Derivable& a) {
  const double t = std::tanh(a.value());
  return Derivable::chain(a, t, 1 - t * t);
}
inline Derivable erf(const Derivable& a) {
  const double slope = 2 * std::numbers::inv_sqrtpi * std::exp(-a.value() * a.value());
  return Derivable::chain(a, std::erf(a.value()), slope);
}
inline Derivable erfc(const Derivable& a) {
  const double slope = -2 * std::numbers::inv_sqrtpi * std::exp(-a.value() * a.value());
  return Derivable::chain(a, std::erfc(a.value()), slope);
}
/// ln |Γ|.
Derivable lgamma(const Derivable& a);
inline Derivable atan2(const Derivable& a, const Derivable& b) {
  const double r = a.value() * a.value() + b.value() * b.value();
  return Derivable::chain(a, b, std::atan2(a.value(), b.value()), b.value() / r, -a.value() / r);
}
inline Derivable hypot(const Derivable& a, const Derivable& b) {
  const double r = std::hypot(a.value(), b.value());
  return Derivable::chain(a, b, r, r == 0 ? 0 : a.value() / r, r == 0 ? 0 : b.value() / r);
}
inline Derivable pow(const Derivable& a, const Derivable& b) {
  const double value = std::pow(a.value(), b.value());
  const double by_a = b.value() * std::pow(a.value(), b.value() - 1);
  return Derivable::chain(a, b, value, by_a, a.value() == 0 ? 0 : value * std::log(a.value()));
}
inline bool isfinite(const Derivable& a) {
  return std::isfinite(a.value());
}

/// A log density with its gradient, exact to rounding, from a function of a point that is written
/// for any kind of number, such as
///
///   automatic_gradient([](auto z) { return -0.5 * (z[0] * z[0] + exp(z[1])); })
///
/// It is called with a std::span<const Derivable>, and calls exp, log, pow and others without
/// "std::" (or after `using std::exp;`, which lets it be called with doubles too). It is called
/// once for every eight coordinates. As thread-safe as the function.
template <class F>
LogDensity automatic_gradient(F log_density) {
  return [f = std::move(log_density)](std::span<const double> z, std::span<double> gradient) {
    std::vector<Derivable> point(z.begin(), z.end());
    double value = 0;
    for (std::size_t first = 0; first < z.size(); first += Derivable::lanes) {
      const std::size_t end = std::min(z.size(), first + Derivable::lanes);
      for (std::size_t d = first; d < end; ++d) {
        point[d] = Derivable::coordinate(z[d], d - first);
      }
      const Derivable result = f(std::span<const Derivable>(point));
      value = result.value();
      for (std::size_t d = first; d < end; ++d) {
        gradient[d] = result.slope(d - first);
        point[d] = Derivable(z[d]);
      }
    }
    return value;
  };
}

}  // namespace riffle
