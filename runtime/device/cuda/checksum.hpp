#pragma once
// The sum behind digest().
#include <cstdint>

#include "device/cuda/device.hpp"

namespace chunkflow {

/// checksum's sum over data[rows, width] of 2-byte elements, rows laid end to end, into *sum in device memory.
void sumRows(Stream& stream, std::int64_t rows, std::int64_t width, const void* data, std::int64_t stride,
             std::uint64_t* sum);

}  // namespace chunkflow
