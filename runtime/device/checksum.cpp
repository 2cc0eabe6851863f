// The host's side of checksum(), for both backends.
#include <bit>
#include <cstring>

#include "device/device.hpp"

namespace chunkflow {

static_assert(std::endian::native == std::endian::little, "checksums are of little-endian words");

std::uint64_t checksumOnHost(const void* data, std::size_t bytes) {
  const auto* from = static_cast<const std::byte*>(data);
  const std::size_t words = bytes / sizeof(std::uint32_t);
  const std::size_t rest = bytes % sizeof(std::uint32_t);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < words; ++i) {
    std::uint32_t word;
    std::memcpy(&word, from + i * sizeof word, sizeof word);
    sum += (std::uint64_t{word} + 1) * (2 * i + 1);
  }
  if (rest != 0) {
    std::uint32_t word = 0;
    std::memcpy(&word, from + words * sizeof word, rest);
    sum += (std::uint64_t{word} + 1) * (2 * words + 1);
  }
  return sum;
}

}  // namespace chunkflow
