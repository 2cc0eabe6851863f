#include "arena/facts.hpp"

#include <algorithm>
#include <cmath>

namespace chunkflow {

BlockSpread spreadOf(const RatesByRank& blocks) {
  std::vector<double> slowest = blocks.at(0);
  for (const auto& ofRank : blocks) {
    for (std::size_t block = 0; block < slowest.size(); ++block) slowest[block] = std::min(slowest[block], ofRank[block]);
  }
  const auto count = static_cast<double>(slowest.size());
  double mean = 0, square = 0;
  for (const double rate : slowest) mean += rate / count;
  for (const double rate : slowest) square += (rate - mean) * (rate - mean) / count;
  const auto [least, most] = std::minmax_element(slowest.begin(), slowest.end());
  return {*most / *least, std::sqrt(square) / mean};
}

}  // namespace chunkflow
