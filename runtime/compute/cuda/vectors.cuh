#pragma once
// Reading and writing bf16 on the device, eight elements at a time where everything is a multiple of 16 bytes, and sums
// over a block.
#include <cuda_bf16.h>

#include <cstdint>

#include "compute/compute.hpp"

namespace chunkflow {

/// Elements of one 16-byte access.
inline constexpr int VECTOR = 8;

inline bool isVectorAligned(const void* pointer) { return reinterpret_cast<std::uintptr_t>(pointer) % 16 == 0; }

__device__ inline float unpack(std::uint32_t bits) { return __uint_as_float(bits << 16); }

__device__ inline std::uint32_t pack(float value) { return __bfloat16_as_ushort(__float2bfloat16_rn(value)); }

/// COUNT is VECTOR, or 1 where something is not aligned.
template <int COUNT>
__device__ inline void load(const bf16* from, float (&to)[COUNT]) {
  if constexpr (COUNT == VECTOR) {
    const uint4 words = *reinterpret_cast<const uint4*>(from);
    const std::uint32_t each[4] = {words.x, words.y, words.z, words.w};
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      to[2 * i] = unpack(each[i] & 0xffffu);
      to[2 * i + 1] = unpack(each[i] >> 16);
    }
  } else {
    static_assert(COUNT == 1);
    to[0] = unpack(from->bits);
  }
}

template <int COUNT>
__device__ inline void store(bf16* to, const float (&from)[COUNT]) {
  if constexpr (COUNT == VECTOR) {
    std::uint32_t each[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) each[i] = pack(from[2 * i]) | pack(from[2 * i + 1]) << 16;
    *reinterpret_cast<uint4*>(to) = make_uint4(each[0], each[1], each[2], each[3]);
  } else {
    static_assert(COUNT == 1);
    to->bits = static_cast<std::uint16_t>(pack(from[0]));
  }
}

template <int COUNT>
__device__ inline void move(bf16* to, const bf16* from) {
  if constexpr (COUNT == VECTOR) {
    *reinterpret_cast<uint4*>(to) = *reinterpret_cast<const uint4*>(from);
  } else {
    *to = *from;
  }
}

/// Adds COUNT elements of a vector that may be null.
template <int COUNT>
__device__ inline void addOptional(const bf16* vector, std::int64_t at, float (&to)[COUNT]) {
  if (vector == nullptr) return;
  float values[COUNT];
  load(vector + at, values);
#pragma unroll
  for (int i = 0; i < COUNT; ++i) to[i] += values[i];
}

/// The sum over all threads of a block of whole warps, for each of them; always in the same order. `shared` has 32
/// words, which may be used again at once.
__device__ inline float blockSum(float value, float* shared) {
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(0xffffffffu, value, offset);
  const int warps = blockDim.x / 32;
  if (warps == 1) return value;
  __syncthreads();
  if (threadIdx.x % 32 == 0) shared[threadIdx.x / 32] = value;
  __syncthreads();
  value = threadIdx.x % 32 < warps ? shared[threadIdx.x % 32] : 0.0f;
  for (int offset = 16; offset > 0; offset /= 2) value += __shfl_xor_sync(0xffffffffu, value, offset);
  return value;
}

}  // namespace chunkflow
