#pragma once

#include <string>

namespace riffle {

/// Checks the data of a model before a foreign library sees it. `data` is a path that ends in
/// ".json", or JSON text, or empty. The bare words NaN, Inf and Infinity, with a sign or without,
/// are taken for numbers, as CmdStan writes them. Throws Error{no_input} for a file that cannot be
/// read, and Error{data}, with the line and column, for what is not one JSON object.
void check_model_data(const std::string& data);

/// Throws Error{data} for text that no model can take for data, or for initial values: no JSON
/// object (but for NaN, Inf and Infinity, which are taken), a key that is there twice, arrays whose
/// parts are of different sizes, numbers too large. `name` is what the message calls it.
void check_json(std::string text, const std::string& name);

/// Whether `data` is the path of a file rather than the data themselves, or nothing.
bool is_data_path(const std::string& data);

}  // namespace riffle
