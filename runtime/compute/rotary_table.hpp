#pragma once
// Tables of rotary embeddings from a compact description: which axis turns which elements, how fast, and where a row lies on it.
#include <cstdint>
#include <span>

namespace chunkflow {

/// One axis of positions (frames, height, width, or rows of text) and the pairs of elements that turn by it. Row r of the whole
/// sequence has index (r / rowsPerIndex) % indices and position max(leastPosition, firstPosition + index * positionStep); pair
/// firstPair + i * pairStep, for i from 0 to pairs - 1, turns by position * scale * base^(i * exponentStep).
struct RotaryAxis {
  std::int64_t rowsPerIndex, indices;
  double firstPosition, positionStep, leastPosition;
  std::int64_t firstPair, pairStep, pairs;
  double scale, base, exponentStep;
};

/// Fills rows [firstRow, firstRow + out.size() / width) of the table: cosine and sine of each pair's angle, side by side. Pairs
/// of no axis stand still (1, 0).
void fillRotaryRows(std::span<const RotaryAxis> axes, std::int64_t firstRow, std::int64_t width, std::span<float> out);

}  // namespace chunkflow
