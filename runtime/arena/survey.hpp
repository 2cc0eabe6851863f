#pragma once
// How fast every slot of the ranks' arenas is copied from: by one rank alone, and by all ranks at once.
#include <cstddef>
#include <vector>

namespace chunkflow {

/// Bytes per second to the device, by rank and slot or block.
using RatesByRank = std::vector<std::vector<double>>;

/// All ranks at once: while rank 0 copies from a slot, rank r copies from the one that is r x `shift` further in its group
/// (and behind the group's last comes its first). `bytesPerS` is by each rank's own slot.
struct ShiftedRates {
  std::size_t shift;
  RatesByRank bytesPerS;
};

struct ArenaSurvey {
  RatesByRank alone;                  // the other ranks stand still
  std::vector<ShiftedRates> shifted;  // the first without a shift
};

}  // namespace chunkflow
