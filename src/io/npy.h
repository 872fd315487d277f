#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace riffle {

/// An array of a NumPy .npy file.
struct NpyArray {
  std::vector<std::size_t> shape;
  std::vector<double> values;  ///< row-major, as many as the product of the shape
};

/// Whether the bytes begin as those of a .npy file do.
bool is_npy(std::string_view bytes);

/// Reads the bytes of a .npy file (NumPy enhancement proposal 1, versions 1 and 2): little-endian
/// float64 or float32 in C order, of any shape. Throws Error{data} for anything else, and for a
/// file that is too short or too long for its shape. `origin` names the file in messages.
NpyArray parse_npy(std::string_view bytes, std::string_view origin);

}  // namespace riffle
