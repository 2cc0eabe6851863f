#pragma once
// A timeline record as columns of numbers, ready to become typed arrays.
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace chunkflow::addon {

struct Timeline {
  std::int32_t plan = 0, rank = 0;
  double stepS = 0;
  std::vector<std::int32_t> position, statement, part;
  std::vector<double> startS, endS;  // seconds from the start of the step
};

/// Nothing for a line that is another record. @throws std::runtime_error for a timeline that lacks a field, or whose columns
/// differ in length.
std::optional<Timeline> parseTimeline(std::string_view line);

}  // namespace chunkflow::addon
