#pragma once

#include <array>
#include <filesystem>

namespace riffle {

/// The pictures of a run, or of a figure of many, less their types; those of samples, of which
/// there may be many, have a folder of their own.
inline constexpr std::array pictures_of_runs{"distributions/density",
                                             "densities",
                                             "loss",
                                             "layers",
                                             "learning",
                                             "posterior",
                                             "figure3",
                                             "figure3-kl"};

/// Whether a run keeps a file of that name, relative to its folder: as data, model or picture.
bool is_file_of_a_run(const std::filesystem::path& name);

/// Throws Error{usage} where `file`, which a command is to write to, is a file of a run: of that in
/// `where`, the folder of a run or a model file, or of another; or where it is something that the
/// run in `where` was made from. Other names do not hide it. A table of draws that is gone may be
/// made again. An empty `file` is standard output.
void refuse_files_of_runs(const std::filesystem::path& where, const std::filesystem::path& file);

/// Throws Error{usage} where `file`, which is to be written, is the one that is read.
void refuse_same_file(const std::filesystem::path& read, const std::filesystem::path& file);

}  // namespace riffle
