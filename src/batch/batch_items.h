#pragma once

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "riffle/spec.h"

namespace riffle {

/// One of many fits: what is its own in the spec that all have.
struct BatchItem {
  std::string
      data;  ///< name of its data set: a file's, or "line 12"; empty where all have the same
  std::vector<std::pair<std::string, std::string>> keys;  ///< of the spec, with their values
  std::string digest;  ///< of the data set; empty where all have the same
};

/// What differs between the fits of a batch; their product is taken, data sets outermost.
struct BatchVariations {
  std::string seeds;              ///< "1:1000", "3,7,11" or both: "1:10,100"; empty: the spec's
  std::vector<std::string> grid;  ///< "SECTION.KEY=VALUE,VALUE": one list each
};

/// The fits that a spec stands for whose target.data or target.samples is a folder, of which each
/// file is a data set (hidden ones aside, in the order of their names), or a file of JSON lines
/// (.jsonl, .ndjson), of which each line is one. Elsewhere there is one data set. Throws
/// Error{usage} for variations that cannot be read, and Error{no_input} for a folder without files.
std::vector<BatchItem> batch_items(const Spec& spec, const BatchVariations& variations);

/// The spec of one fit. Throws as set_key and Spec::validate do.
Spec spec_of_item(const Spec& spec, const BatchItem& item);

}  // namespace riffle
