#include "compute/rotary_table.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace chunkflow {

void fillRotaryRows(std::span<const RotaryAxis> axes, std::int64_t firstRow, std::int64_t width, std::span<float> out) {
  std::vector<std::vector<double>> frequencies;
  for (const RotaryAxis& axis : axes) {
    std::vector<double>& own = frequencies.emplace_back();
    for (std::int64_t i = 0; i < axis.pairs; ++i) {
      own.push_back(axis.scale * std::pow(axis.base, static_cast<double>(i) * axis.exponentStep));
    }
  }
  const std::int64_t rows = static_cast<std::int64_t>(out.size()) / width;
  for (std::int64_t row = 0; row < rows; ++row) {
    float* pairs = out.data() + row * width;
    for (std::int64_t i = 0; i < width; i += 2) {
      pairs[i] = 1;
      pairs[i + 1] = 0;
    }
    for (std::size_t a = 0; a < axes.size(); ++a) {
      const RotaryAxis& axis = axes[a];
      const std::int64_t index = (firstRow + row) / axis.rowsPerIndex % axis.indices;
      const double position =
          std::max(axis.leastPosition, axis.firstPosition + static_cast<double>(index) * axis.positionStep);
      for (std::int64_t i = 0; i < axis.pairs; ++i) {
        float* pair = pairs + 2 * (axis.firstPair + i * axis.pairStep);
        const double angle = position * frequencies[a][static_cast<std::size_t>(i)];
        pair[0] = static_cast<float>(std::cos(angle));
        pair[1] = static_cast<float>(std::sin(angle));
      }
    }
  }
}

}  // namespace chunkflow
