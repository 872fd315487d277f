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

/// Reads the bytes of a .npy file (NumPy enhancement proposal 1, versions 1 to 3): floating-point
/// numbers of 16 to 64 bits, whole ones and booleans, of any shape and in either order of bytes and
/// of axes. Throws Error{data} for anything else, and for a file that is too short or too long for
/// its shape. `origin` names the file in messages.
NpyArray parse_npy(std::string_view bytes, std::string_view origin);

}  // namespace riffle
