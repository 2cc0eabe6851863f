#pragma once
// The summary table printed at the end of a run.
#include <string>
#include <vector>

#include "base/summary.hpp"

namespace chunkflow {

struct ReportRow {
  std::string plan, mode;
  Summary summary;
  std::size_t gpuBytes;
  std::string output;  // same, differs, or why that cannot be said
};

/// Lines of a table: median, deviation, ratio to the first row, memory, output.
/// @param timed whether times mean anything at this place.
std::vector<std::string> reportLines(const std::vector<ReportRow>& rows, bool timed);

}  // namespace chunkflow
