#pragma once
// Names of a rank's streams. Generated sources include it, so it takes no header of the standard library that is slow to compile.
#include <cstdint>

namespace chunkflow {

/// The streams of a rank, by what they are for. Staged collectives write to pinned memory on StageOut and read from it on
/// StageIn, or on Copy where their pieces are scheduled among the weights' chunks.
enum class On : std::uint8_t { Compute, Collective, Copy, StageOut, StageIn, Host };

}  // namespace chunkflow
