#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace riffle {

struct Points {
  std::size_t dim = 0;
  std::vector<std::string> names;
  std::vector<double> values;
};

Points read_points(const std::filesystem::path& path);

}  // namespace riffle
