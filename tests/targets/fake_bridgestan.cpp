// A library with BridgeStan's interface and no Stan: mu ~ N(0, 2²), tau > 0 with ln tau ~ N(0, 1),
// and product = mu · tau computed from them. With "generated", square = mu² and noise = a uniform
// number. Keys of its data make it misbehave.

#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

#ifndef FAKE_MAJOR
#define FAKE_MAJOR 2
#endif

// NOLINTBEGIN: the interface is what it is
struct bs_model {
  nlohmann::json data;
  unsigned seed;
  std::string info;
  std::string names;
  std::string all_names;
};
struct bs_rng {
  unsigned long long state;
};

namespace {

int models = 0;
int generators = 0;
bool refuse_generators = false;
int messages = 0;
void (*print)(const char*, std::size_t) = nullptr;

void tell(char** error, const std::string& text) {
  ++messages;
  *error = ::strdup(text.c_str());
}

int dim_of(const bs_model* m) {
  return m->data.value("dim", 2);
}

}  // namespace

extern "C" {

int fake_models() {
  return models;
}
int fake_generators() {
  return generators;
}
int fake_messages() {
  return messages;
}

bs_model* bs_model_construct(const char* data, unsigned seed, char** error) {
  std::string text = data == nullptr ? "{}" : data;
  if (text.size() > 5 && text.substr(text.size() - 5) == ".json") {
    std::ifstream file(text);
    text = std::string(std::istreambuf_iterator<char>(file), {});
  }
  auto json = nlohmann::json::parse(text);
  if (json.value("null_in_silence", false)) return nullptr;
  if (json.contains("refuse")) {
    tell(error, json["refuse"].get<std::string>());
    return nullptr;
  }
  refuse_generators = json.value("refuse_generators", false);
  if (json.value("throw", false)) throw std::runtime_error("thrown by the constructor");
  ++models;
  const std::string threads = json.value("threads", false) ? "true" : "false";
  const std::string names = json.value("names", "mu,tau,product");
  const std::string all_names = names + (json.value("generated", false) ? ",square,noise" : "");
  return new bs_model{std::move(json), seed,
                      "Stan version: 0.0.0\nStan C++ Defines:\n\tSTAN_THREADS=" + threads, names,
                      all_names};
}
void bs_model_destruct(bs_model* m) {
  --models;
  delete m;
}
void bs_free_error_msg(char* text) {
  --messages;
  std::free(text);
}
const char* bs_param_names(const bs_model* m, bool, bool gq) {
  return gq ? m->all_names.c_str() : m->names.c_str();
}
int bs_param_num(const bs_model* m, bool tp, bool gq) {
  return m->data.value("parameters", 2) + (tp ? 1 : 0) +
         (gq && m->data.value("generated", false) ? m->data.value("generated_count", 2) : 0);
}
int bs_param_unc_num(const bs_model* m) {
  return dim_of(m);
}

int bs_log_density_gradient(const bs_model* m, bool propto, bool jacobian, const double* z,
                            double* value, double* gradient, char** error) {
  const auto& data = m->data;
  const auto beyond = [&](const char* key) {
    return data.contains(key) && z[0] > data[key].get<double>();
  };
  if (!propto && data.value("refuse_constants", false)) {
    tell(error, "only propto = true");
    return -1;
  }
  if (data.value("fail_at_0", false) && z[0] == 0) {
    tell(error, "not at 0");
    return -1;
  }
  if (!jacobian || data.value("fail_always", false)) {
    tell(error, "never");
    return -1;
  }
  if (beyond("fail_above")) {
    tell(error, "mu is\n\ttoo large ");
    return -1;
  }
  if (beyond("fail_in_silence_above")) return -1;
  if (beyond("throw_above")) throw std::runtime_error("thrown by the density");
  if (print != nullptr && data.value("print", false)) print("printed\n", 8);
  // ln tau ~ N(0, 1) is the density of tau times the Jacobian of the transform.
  *value = -0.125 * z[0] * z[0] - 0.5 * z[1] * z[1];
  gradient[0] = -0.25 * z[0];
  gradient[1] = -z[1];
  if (!propto) *value -= std::log(2 * M_PI) + std::log(2.0);
  if (beyond("nan_above")) *value = std::nan("");
  if (data.value("needless_message", false)) tell(error, "all is well");
  return 0;
}

#ifndef FAKE_INCOMPLETE
int bs_param_constrain(const bs_model* m, bool tp, bool gq, const double* z, double* theta,
                       bs_rng* rng, char** error) {
  if (m->data.value("fail_constrain", false) || !tp || gq != (rng != nullptr)) {
    tell(error, "cannot constrain");
    return -1;
  }
  theta[0] = z[0];
  theta[1] = std::exp(z[1]);
  theta[2] = theta[0] * theta[1];
  if (!gq) return 0;
  rng->state = rng->state * 6364136223846793005ULL + 1442695040888963407ULL;
  const auto above = [&](const char* key) { return z[0] > m->data.value(key, HUGE_VAL); };
  if (above("generated_throw_above")) throw std::runtime_error("thrown by generated quantities");
  if (above("generated_fail_above")) {
    tell(error, "rate is\ntoo large");
    return -1;
  }
  theta[3] = z[0] * z[0];
  theta[4] =
      above("generated_nan_above") ? std::nan("") : static_cast<double>(rng->state >> 11) * 0x1p-53;
  return 0;
}
#endif

#ifndef FAKE_MINIMAL
int bs_param_unconstrain(const bs_model*, const double* theta, double* z, char** error) {
  if (!(theta[1] > 0)) {
    tell(error, "tau must be positive");
    return -1;
  }
  z[0] = theta[0];
  z[1] = std::log(theta[1]);
  return 0;
}
extern const int bs_major_version;
extern const int bs_minor_version;
extern const int bs_patch_version;
const int bs_major_version = FAKE_MAJOR;
const int bs_minor_version = 8;
const int bs_patch_version = 9;
const char* bs_name(const bs_model*) {
  return "fake_model";
}
const char* bs_model_info(const bs_model* m) {
  return m->info.c_str();
}
bs_rng* bs_rng_construct(unsigned seed, char** error) {
  if (refuse_generators) {
    tell(error, "no random numbers today");
    return nullptr;
  }
  ++generators;
  return new bs_rng{seed};
}
void bs_rng_destruct(bs_rng* rng) {
  --generators;
  delete rng;
}
int bs_set_print_callback(void (*callback)(const char*, std::size_t), char**) {
  print = callback;
  return 0;
}
#endif
}
// NOLINTEND
