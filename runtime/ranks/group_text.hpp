#pragma once
// Between text and the bytes that ranks hand to each other.
#include <cstddef>
#include <string>
#include <vector>

namespace chunkflow {

inline std::vector<std::byte> toBytes(const std::string& text) {
  const auto* data = reinterpret_cast<const std::byte*>(text.data());
  return {data, data + text.size()};
}

inline std::string toText(const std::vector<std::byte>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace chunkflow
