#pragma once
// Stream memory operations on 32-bit words of page-locked memory: no kernel is launched, and none is waited for.
#include <cstdint>

#include "device/cuda/device.hpp"

namespace chunkflow {

/// Writes the word, behind everything before it in the stream.
void writeStreamValue(Stream& stream, std::uint32_t* word, std::uint32_t value);
/// Holds the stream until the word has reached the value: compared as signed difference, modulo 2^32.
void waitForStreamValue(Stream& stream, const std::uint32_t* word, std::uint32_t value);

}  // namespace chunkflow
