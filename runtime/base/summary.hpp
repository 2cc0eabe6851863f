#pragma once
// Robust statistics of repeated measurements.
#include <cstddef>
#include <span>

namespace chunkflow {

struct Summary {
  double median, mad;  // mad: median of the absolute deviations from the median
  double p10, p90, min;
  std::size_t count;
  /// (p90 - p10) / median.
  double spread() const { return (p90 - p10) / median; }
  /// Whether the middle 80 % lie within 5 % of the median; otherwise the median says little.
  bool steady() const { return spread() <= 0.05; }
};

/// The value below which a share `q` (0 to 1) of the sorted readings lies, between neighbours in proportion.
double quantile(std::span<const double> sorted, double q);

/// @param readings at least one.
Summary summarise(std::span<const double> readings);

}  // namespace chunkflow
