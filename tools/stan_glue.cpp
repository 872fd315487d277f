// BridgeStan's C interface (version 2.7 of it) over a model of Stan 2.21 or 2.32, as the
// distribution's packages r-cran-rstan and r-cran-stanheaders make them. tools/stan_model.sh
// compiles this once and links it with each model. Facts of the interface:
// https://roualdes.us/bridgestan/latest/languages/c-api.html
//
// Every function may be called from several threads: the autodiff stack is thread-local (in
// Debian's 2.21 always, in 2.32 by STAN_THREADS), and stan_model.sh makes the one static variable
// of a generated model thread-local too. Functions return 0, or -1 and a message in *error (to be
// freed by bs_free_error_msg); constructors NULL.

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <stan/math.hpp>

#include <stan/io/array_var_context.hpp>
#include <stan/io/empty_var_context.hpp>
#include <stan/model/model_base.hpp>
#include <stan/services/util/create_rng.hpp>
#include <stan/version.hpp>

// What the generated model gives.
stan::model::model_base& new_model(stan::io::var_context& data, unsigned seed,
                                   std::ostream* messages);

namespace {

using Var = stan::math::var;
using Engine = decltype(stan::services::util::create_rng(0, 0));
using Json = nlohmann::json;

/// Each thread's autodiff stack must be there before its first evaluation.
void ready() {
  static thread_local stan::math::ChainableStack stack;
}

void (*print_callback)(const char*, size_t) = nullptr;

/// What `print` statements of the model write while it lives is handed to the callback.
class Messages {
 public:
  ~Messages() {
    if (stream().tellp() <= 0) return;
    const std::string text = stream().str();
    stream().str({});
    if (print_callback != nullptr) {
      print_callback(text.data(), text.size());
    } else {
      std::cout << text << std::flush;
    }
  }
  std::ostream* out() { return &stream(); }

 private:
  // Making a stream costs more than a small model's gradient.
  static std::ostringstream& stream() {
    static thread_local std::ostringstream stream;
    return stream;
  }
};

void tell(char** error, const char* text) {
  if (error != nullptr) *error = ::strdup(text);
}

/// An exception leaves variables on the autodiff stack.
void recover() {
  while (!stan::math::empty_nested()) stan::math::recover_memory_nested();
  stan::math::recover_memory();
}

template <class Call>
int guarded(char** error, Call&& call) {
  ready();
  try {
    call();
    return 0;
  } catch (const std::exception& e) {
    tell(error, e.what());
  } catch (...) {
    tell(error, "an exception of unknown type");
  }
  recover();
  return -1;
}

/// JSON knows no NaN; CmdStan writes it, and the infinities, without quotes.
std::string with_quoted_words(const std::string& text) {
  std::string all;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string && c == '\\' && i + 1 < text.size()) {
      all += c;
      all += text[++i];
      continue;
    }
    if (c == '"') in_string = !in_string;
    bool quoted = false;
    if (!in_string) {
      for (const char* word :
           {"-Infinity", "-Inf", "+Infinity", "+Inf", "Infinity", "Inf", "NaN"}) {
        if (text.compare(i, std::strlen(word), word) != 0) continue;
        all += '"' + std::string(word) + '"';
        i += std::strlen(word) - 1;
        quoted = true;
        break;
      }
    }
    if (!quoted) all += c;
  }
  return all;
}

/// The variables of a JSON object. Arrays become column-major; a variable that holds nothing but
/// whole numbers becomes one of ints, which Stan takes for reals too.
class JsonVariables {
 public:
  explicit JsonVariables(const std::string& text) {
    const auto object = Json::parse(with_quoted_words(text), without_doubles());
    if (!object.is_object()) throw std::runtime_error("the data must be a JSON object");
    for (auto item = object.begin(); item != object.end(); ++item) add(item.key(), item.value());
  }

  stan::io::array_var_context context() const {
    return {real_names_, reals_, real_dims_, int_names_, ints_, int_dims_};
  }

  /// There is no other way to write a matrix of no rows than [], so that the dimensions of what is
  /// empty are those that the model declares. Whether that helps: `refusal` is Stan's message.
  bool take_dims(const std::string& refusal) {
    const auto after = [&](const std::string& label, char end) {
      const auto at = refusal.find(label);
      if (at == std::string::npos) return std::string();
      const auto start = at + label.size();
      return refusal.substr(start, refusal.find(end, start) - start);
    };
    if (refusal.find("mismatch in number dimensions") == std::string::npos) return false;
    const auto name = after("variable name=", ';');
    std::istringstream declared(after("dims declared=(", ')'));
    std::vector<std::size_t> dims;
    for (std::string size; std::getline(declared, size, ',');) {
      dims.push_back(std::strtoull(size.c_str(), nullptr, 10));
    }
    for (std::size_t i = 0; i < int_names_.size(); ++i) {
      auto& given = int_dims_[i];
      // The sizes that there are end in a 0, below which there is nothing to have a size.
      if (int_names_[i] != name || given.empty() || given.back() != 0) continue;
      if (given.size() >= dims.size() || !std::equal(given.begin(), given.end(), dims.begin()))
        continue;
      given = dims;
      return true;
    }
    return false;
  }

 private:
  /// JSON leaves open what a key means that is there twice; readers take the last in silence.
  static Json::parser_callback_t without_doubles() {
    auto keys = std::make_shared<std::vector<std::set<std::string>>>();
    return [keys](int, Json::parse_event_t event, Json& parsed) {
      if (event == Json::parse_event_t::object_start) keys->emplace_back();
      if (event == Json::parse_event_t::object_end) keys->pop_back();
      if (event == Json::parse_event_t::key &&
          !keys->back().insert(parsed.get<std::string>()).second) {
        throw std::runtime_error("the key " + parsed.dump() + " is there twice");
      }
      return true;
    };
  }

  void add(const std::string& name, const Json& value) {
    std::vector<std::size_t> dims;
    for (const Json* inner = &value; inner->is_array(); inner = &inner->at(0)) {
      dims.push_back(inner->size());
      if (inner->empty()) break;
    }
    std::vector<const Json*> leaves;
    collect(name, value, dims, 0, leaves);
    const auto column_major = reordered(leaves, dims);
    bool whole = true;
    for (const auto* leaf : column_major) whole = whole && is_int(*leaf);
    if (whole) {
      int_names_.push_back(name);
      int_dims_.push_back(dims);
      for (const auto* leaf : column_major) {
        ints_.push_back(leaf->is_boolean() ? static_cast<int>(leaf->get<bool>())
                                           : leaf->get<int>());
      }
    } else {
      real_names_.push_back(name);
      real_dims_.push_back(dims);
      for (const auto* leaf : column_major) reals_.push_back(real(name, *leaf));
    }
  }

  static bool is_int(const Json& leaf) {
    if (leaf.is_boolean()) return true;
    if (!leaf.is_number_integer()) return false;
    if (leaf.is_number_unsigned()) return leaf.get<std::uint64_t>() <= 2147483647u;
    return leaf.get<std::int64_t>() >= -2147483647 - 1;
  }

  static double real(const std::string& name, const Json& leaf) {
    if (leaf.is_number()) return leaf.get<double>();
    if (leaf.is_boolean()) return leaf.get<bool>() ? 1 : 0;
    if (leaf.is_string()) {
      auto word = leaf.get<std::string>();
      for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      const double sign = word[0] == '-' ? -1 : 1;  // of an empty word [0] is a zero
      if (word[0] == '-' || word[0] == '+') word.erase(0, 1);
      if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
      if (word == "inf" || word == "infinity")
        return sign * std::numeric_limits<double>::infinity();
    }
    throw std::runtime_error("variable " + name + " holds " + leaf.dump() + ", which is no number");
  }

  /// The leaves in the order of the text, row-major.
  static void collect(const std::string& name, const Json& value,
                      const std::vector<std::size_t>& dims, std::size_t depth,
                      std::vector<const Json*>& leaves) {
    if (depth == dims.size()) {
      if (value.is_array()) throw std::runtime_error("variable " + name + " is a ragged array");
      leaves.push_back(&value);
      return;
    }
    if (!value.is_array() || value.size() != dims[depth]) {
      throw std::runtime_error("variable " + name + " is a ragged array");
    }
    for (const auto& element : value) collect(name, element, dims, depth + 1, leaves);
  }

  static std::vector<const Json*> reordered(const std::vector<const Json*>& rows,
                                            const std::vector<std::size_t>& dims) {
    std::vector<const Json*> columns(rows.size());
    std::vector<std::size_t> index(dims.size(), 0);
    for (const auto* leaf : rows) {
      std::size_t at = 0;
      for (std::size_t d = dims.size(); d-- > 0;) at = at * dims[d] + index[d];
      columns[at] = leaf;
      for (std::size_t d = dims.size(); d-- > 0 && ++index[d] == dims[d];) index[d] = 0;
    }
    return columns;
  }

  std::vector<std::string> real_names_;
  std::vector<double> reals_;
  std::vector<std::vector<std::size_t>> real_dims_;
  std::vector<std::string> int_names_;
  std::vector<int> ints_;
  std::vector<std::vector<std::size_t>> int_dims_;
};

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const auto& name : names) all += (all.empty() ? "" : ",") + name;
  return all;
}

/// The text of `data`: nothing, the file it names, or itself.
std::string data_text(const char* data) {
  const std::string given = data == nullptr ? "" : data;
  const std::string json = ".json";
  if (given.empty()) return "{}";
  if (given.size() < json.size() ||
      given.compare(given.size() - json.size(), json.size(), json) != 0) {
    return given;
  }
  std::ifstream file(given, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + given);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

struct bs_rng {
  explicit bs_rng(unsigned seed) : engine(stan::services::util::create_rng(seed, 0)) {}
  Engine engine;
};

struct bs_model {
  bs_model(const char* data, unsigned seed) {
    JsonVariables variables(data_text(data));
    while (!model) {
      auto context = variables.context();
      Messages messages;
      try {
        model.reset(&new_model(context, seed, messages.out()));
      } catch (const std::exception& error) {
        if (!variables.take_dims(error.what())) throw;
      }
    }
    name = model->model_name();
    const std::string prefix = "model_";  // rstan's
    if (name.compare(0, prefix.size(), prefix) == 0) name.erase(0, prefix.size());
    for (const bool tp : {false, true}) {
      for (const bool gq : {false, true}) {
        std::vector<std::string> names;
        model->constrained_param_names(names, tp, gq);
        counts[tp][gq] = static_cast<int>(names.size());
        param_names[tp][gq] = joined(names);
      }
    }
    std::vector<std::string> names;
    model->unconstrained_param_names(names, false, false);
    unc_names = joined(names);
    info = "Stan version: " + stan::MAJOR_VERSION + "." + stan::MINOR_VERSION + "." +
           stan::PATCH_VERSION +
           "\nStan C++ Defines:\n\tSTAN_THREADS=true\nMade by: Riffle's tools/stan_model.sh";
  }

  double log_density(bool propto, bool jacobian, std::vector<Var>& theta, std::ostream* out) const {
    std::vector<int> none;
    const auto value = propto ? (jacobian ? model->log_prob_propto_jacobian(theta, none, out)
                                          : model->log_prob_propto(theta, none, out))
                              : (jacobian ? model->log_prob_jacobian(theta, none, out)
                                          : model->log_prob(theta, none, out));
    theta.push_back(value);
    return value.val();
  }

  std::unique_ptr<stan::model::model_base> model;
  std::string name;
  std::string info;
  std::string param_names[2][2];
  int counts[2][2];
  std::string unc_names;
};

namespace {

/// ln p, and its gradient where that is not null.
void evaluate(const bs_model* m, bool propto, bool jacobian, const double* theta_unc, double* value,
              double* gradient) {
  Messages messages;
  static thread_local std::vector<Var> theta;
  theta.assign(theta_unc, theta_unc + m->model->num_params_r());
  *value = m->log_density(propto, jacobian, theta, messages.out());
  if (gradient != nullptr) {
    theta.back().grad();
    for (std::size_t i = 0; i + 1 < theta.size(); ++i) gradient[i] = theta[i].adj();
  }
  stan::math::recover_memory();
}

void unconstrain(const bs_model* m, const stan::io::var_context& values, double* theta_unc) {
  Messages messages;
  std::vector<int> ints;
  std::vector<double> reals;
  m->model->transform_inits(values, ints, reals, messages.out());
  std::copy(reals.begin(), reals.end(), theta_unc);
}

}  // namespace

#define BS_API extern "C" __attribute__((visibility("default")))

BS_API const int bs_major_version = 2;
BS_API const int bs_minor_version = 7;
BS_API const int bs_patch_version = 0;

BS_API bs_model* bs_model_construct(const char* data, unsigned seed, char** error) {
  bs_model* model = nullptr;
  guarded(error, [&] { model = new bs_model(data, seed); });
  return model;
}
BS_API void bs_model_destruct(bs_model* m) {
  delete m;
}
BS_API void bs_free_error_msg(char* text) {
  std::free(text);
}

BS_API const char* bs_name(const bs_model* m) {
  return m->name.c_str();
}
BS_API const char* bs_model_info(const bs_model* m) {
  return m->info.c_str();
}
BS_API const char* bs_param_names(const bs_model* m, bool tp, bool gq) {
  return m->param_names[tp][gq].c_str();
}
BS_API const char* bs_param_unc_names(const bs_model* m) {
  return m->unc_names.c_str();
}
BS_API int bs_param_num(const bs_model* m, bool tp, bool gq) {
  return m->counts[tp][gq];
}
BS_API int bs_param_unc_num(const bs_model* m) {
  return static_cast<int>(m->model->num_params_r());
}

BS_API int bs_log_density(const bs_model* m, bool propto, bool jacobian, const double* theta_unc,
                          double* lp, char** error) {
  return guarded(error, [&] { evaluate(m, propto, jacobian, theta_unc, lp, nullptr); });
}
BS_API int bs_log_density_gradient(const bs_model* m, bool propto, bool jacobian,
                                   const double* theta_unc, double* value, double* gradient,
                                   char** error) {
  return guarded(error, [&] { evaluate(m, propto, jacobian, theta_unc, value, gradient); });
}
BS_API int bs_log_density_hessian(const bs_model*, bool, bool, const double*, double*, double*,
                                  double*, char** error) {
  return guarded(error, [] { throw std::runtime_error("this library has no Hessians"); });
}
BS_API int bs_log_density_hessian_vector_product(const bs_model*, bool, bool, const double*,
                                                 const double*, double*, double*, char** error) {
  return guarded(error, [] { throw std::runtime_error("this library has no Hessians"); });
}

BS_API int bs_param_constrain(const bs_model* m, bool tp, bool gq, const double* theta_unc,
                              double* theta, bs_rng* rng, char** error) {
  return guarded(error, [&] {
    if (gq && rng == nullptr) throw std::runtime_error("generated quantities need a bs_rng");
    static thread_local Engine unused;
    Messages messages;
    std::vector<double> z(theta_unc, theta_unc + m->model->num_params_r());
    std::vector<int> none;
    std::vector<double> values;
    m->model->write_array(rng == nullptr ? unused : rng->engine, z, none, values, tp, gq,
                          messages.out());
    std::copy(values.begin(), values.end(), theta);
  });
}
BS_API int bs_param_unconstrain(const bs_model* m, const double* theta, double* theta_unc,
                                char** error) {
  return guarded(error, [&] {
    std::vector<std::string> names;
    std::vector<std::vector<std::size_t>> dims;
    m->model->get_param_names(names);
    m->model->get_dims(dims);
    // Parameters come first; what is computed from them follows.
    const auto count = static_cast<std::size_t>(m->counts[0][0]);
    std::size_t variables = 0;
    for (std::size_t size = 0; variables < names.size() && size < count; ++variables) {
      std::size_t elements = 1;
      for (const auto d : dims[variables]) elements *= d;
      size += elements;
    }
    names.resize(variables);
    dims.resize(variables);
    const std::vector<double> values(theta, theta + count);
    unconstrain(m, stan::io::array_var_context(names, values, dims), theta_unc);
  });
}
BS_API int bs_param_unconstrain_json(const bs_model* m, const char* json, double* theta_unc,
                                     char** error) {
  return guarded(error,
                 [&] { unconstrain(m, JsonVariables(data_text(json)).context(), theta_unc); });
}

BS_API bs_rng* bs_rng_construct(unsigned seed, char** error) {
  bs_rng* rng = nullptr;
  guarded(error, [&] { rng = new bs_rng(seed); });
  return rng;
}
BS_API void bs_rng_destruct(bs_rng* rng) {
  delete rng;
}
BS_API int bs_set_print_callback(void (*callback)(const char*, size_t), char**) {
  print_callback = callback;
  return 0;
}
