#include "measure/report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace chunkflow {

namespace {

std::string fixed(double number, int digits) {
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, number);
  return text;
}

}  // namespace

std::vector<std::string> reportLines(const std::vector<ReportRow>& rows, bool timed) {
  constexpr double GIBIBYTE = 1073741824;
  using Cells = std::array<std::string, 7>;
  std::vector<Cells> table{{"plan", "mode", "median ms", "+- ms", "ratio", "GPU GiB", "output"}};
  for (const ReportRow& row : rows) {
    const Summary& s = row.summary;
    Cells cells{row.plan, row.mode, "no timing", "", "", fixed(static_cast<double>(row.gpuBytes) / GIBIBYTE, 2),
                row.output};
    if (timed) {
      cells[2] = fixed(s.median * 1e3, 3);
      cells[3] = fixed(s.mad * 1e3, 3);
      cells[4] = fixed(s.median / rows.front().summary.median, 3);
    }
    table.push_back(std::move(cells));
  }
  std::array<std::size_t, 7> widths{};
  for (const Cells& cells : table) {
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], cells[i].size());
  }
  std::vector<std::string> lines;
  for (const Cells& cells : table) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      // Words to the left, numbers to the right.
      const std::string space(widths[i] - cells[i].size(), ' ');
      const bool words = i < 2 || i + 1 == cells.size();
      line += (i > 0 ? "  " : "") + (words ? cells[i] + space : space + cells[i]);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace chunkflow
