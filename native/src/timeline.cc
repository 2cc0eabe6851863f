#include "timeline.hh"

#include <charconv>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace chunkflow::addon {

namespace {

/// Text from the value of a field on. Timeline records hold numbers and arrays of numbers alone, so a quoted name is a field.
const char* valueOf(std::string_view line, const std::string& name) {
  const std::string quoted = '"' + name + "\":";
  const std::size_t place = line.find(quoted);
  if (place == std::string_view::npos) throw std::runtime_error("a timeline record without " + name);
  return line.data() + place + quoted.size();
}

template <class Number>
const char* readNumber(const char* from, const char* end, Number& number) {
  if constexpr (std::is_floating_point_v<Number>) {
    if (std::string_view(from, end).starts_with("null")) {
      number = std::numeric_limits<Number>::quiet_NaN();
      return from + 4;
    }
  }
  const auto [rest, error] = std::from_chars(from, end, number);
  if (error != std::errc{}) throw std::runtime_error("a timeline record with a number that cannot be read");
  return rest;
}

template <class Number>
void read(std::string_view line, const std::string& name, Number& number) {
  readNumber(valueOf(line, name), line.data() + line.size(), number);
}

template <class Number>
void read(std::string_view line, const std::string& name, std::vector<Number>& column) {
  const char* at = valueOf(line, name);
  const char* const end = line.data() + line.size();
  if (at == end || *at++ != '[') throw std::runtime_error("a timeline record whose " + name + " is no array");
  while (at != end && *at != ']') {
    at = readNumber(at, end, column.emplace_back());
    if (at != end && *at == ',') ++at;
  }
}

}  // namespace

std::optional<Timeline> parseTimeline(std::string_view line) {
  if (!line.starts_with("{\"record\":\"timeline\"")) return std::nullopt;
  Timeline timeline;
  read(line, "plan", timeline.plan);
  read(line, "rank", timeline.rank);
  read(line, "stepS", timeline.stepS);
  read(line, "position", timeline.position);
  read(line, "statement", timeline.statement);
  read(line, "part", timeline.part);
  read(line, "startS", timeline.startS);
  read(line, "endS", timeline.endS);
  for (const std::size_t size :
       {timeline.statement.size(), timeline.part.size(), timeline.startS.size(), timeline.endS.size()}) {
    if (size != timeline.position.size()) throw std::runtime_error("a timeline record with columns of different length");
  }
  return timeline;
}

}  // namespace chunkflow::addon
