#include "base/summary.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace chunkflow {

double quantile(std::span<const double> sorted, double q) {
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<std::size_t>(place);
  const std::size_t above = std::min(below + 1, sorted.size() - 1);
  const double share = place - static_cast<double>(below);
  return sorted[below] * (1 - share) + sorted[above] * share;
}

Summary summarise(std::span<const double> readings) {
  std::vector<double> sorted(readings.begin(), readings.end());
  std::sort(sorted.begin(), sorted.end());
  const double median = quantile(sorted, 0.5);
  std::vector<double> deviations;
  deviations.reserve(sorted.size());
  for (const double reading : sorted) deviations.push_back(std::abs(reading - median));
  std::sort(deviations.begin(), deviations.end());
  return {median, quantile(deviations, 0.5), quantile(sorted, 0.1), quantile(sorted, 0.9), sorted.front(),
          sorted.size()};
}

}  // namespace chunkflow
