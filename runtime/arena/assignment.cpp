#include "arena/assignment.hpp"

#include <limits>

namespace chunkflow {

std::vector<std::size_t> cheapestAssignment(const std::vector<std::vector<double>>& costs) {
  constexpr double FAR = std::numeric_limits<double>::infinity();
  const std::size_t rows = costs.size();
  if (rows == 0) return {};
  const std::size_t columns = costs[0].size();
  // Index `columns` stands for "no column assigned yet", index `rows` for "column is free".
  std::vector<std::size_t> rowOf(columns + 1, rows);
  // Potentials: costs[r][c] - rowPrice[r] - columnPrice[c] is never negative, and 0 where r has c.
  std::vector<double> rowPrice(rows, 0), columnPrice(columns + 1, 0);
  for (std::size_t row = 0; row < rows; ++row) {
    std::vector<double> distance(columns, FAR);
    std::vector<std::size_t> before(columns, columns);
    std::vector<bool> reached(columns + 1, false);
    std::size_t at = columns;
    rowOf[at] = row;
    while (rowOf[at] != rows) {
      reached[at] = true;
      const std::size_t from = rowOf[at];
      std::size_t nearest = columns;
      for (std::size_t column = 0; column < columns; ++column) {
        if (reached[column]) continue;
        const double reduced = costs[from][column] - rowPrice[from] - columnPrice[column];
        if (reduced < distance[column]) {
          distance[column] = reduced;
          before[column] = at;
        }
        if (nearest == columns || distance[column] < distance[nearest]) nearest = column;
      }
      const double step = distance[nearest];
      for (std::size_t column = 0; column <= columns; ++column) {
        if (reached[column]) {
          rowPrice[rowOf[column]] += step;
          columnPrice[column] -= step;
        } else {
          distance[column] -= step;
        }
      }
      at = nearest;
    }
    // Along the path every row moves on by one column.
    while (at != columns) {
      rowOf[at] = rowOf[before[at]];
      at = before[at];
    }
    rowOf[columns] = rows;
  }
  std::vector<std::size_t> columnOf(rows);
  for (std::size_t column = 0; column < columns; ++column) {
    if (rowOf[column] != rows) columnOf[rowOf[column]] = column;
  }
  return columnOf;
}

}  // namespace chunkflow
