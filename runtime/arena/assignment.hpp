#pragma once
// The assignment problem.
#include <cstddef>
#include <vector>

namespace chunkflow {

/// Gives every row a column of its own so that the sum of the costs is least: the Hungarian method by shortest augmenting
/// paths (Kuhn 1955; Jonker and Volgenant 1987), rows^2 x columns operations.
///
/// @param costs rows of equal length, with at least as many columns as rows; finite.
/// @returns the column of each row.
std::vector<std::size_t> cheapestAssignment(const std::vector<std::vector<double>>& costs);

}  // namespace chunkflow
