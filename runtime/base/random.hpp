#pragma once
// Random values by place: every rank, every plan and both backends make the same weights and inputs from a seed.
#include <cstdint>

#ifdef __CUDACC__
#define CHUNKFLOW_BOTH __host__ __device__
#else
#define CHUNKFLOW_BOTH
#endif

namespace chunkflow {

/// SplitMix64's finaliser: 64 well-mixed bits of any 64.
CHUNKFLOW_BOTH inline std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

/// The value at a place of a tensor: uniform in [-sqrt(3), sqrt(3)), so its variance is 1; 16 bits of resolution.
/// Four neighbours share one mix, so a fill costs a quarter of one per value.
CHUNKFLOW_BOTH inline float valueAt(std::uint64_t seed, std::uint64_t index) {
  const std::uint64_t word = mix(seed ^ mix(index >> 2));
  const int bits = static_cast<int>((word >> (16 * (index & 3))) & 0xffff) - 32768;
  return static_cast<float>(bits) * (1.7320508f / 32768.0f);
}

}  // namespace chunkflow
