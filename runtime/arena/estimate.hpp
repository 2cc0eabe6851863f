#pragma once
// How fast a rank copies from a slot while the other ranks copy from slots of theirs, estimated from a part of all pairs.
#include <array>
#include <cstddef>
#include <span>
#include <vector>

namespace chunkflow {

/// What was measured once: where each rank copied from, and how fast, by rank.
struct TupleRates {
  std::vector<std::size_t> slots;
  std::vector<double> bytesPerS;
};

/// For rank r in slot i, with the other ranks s in slots j:
///
///   rate = mean(r) x (1 + own(r, i) + sum over s of [partner(s, j) - place(r, i) . place(s, j)])
///
/// Two streams collide in memory domains that nobody shows. `place` says in two coordinates where a slot lies: two slots whose
/// coordinates agree slow each other, both alike (on pairs of H100 and of H200 both ranks' rates fell together, within
/// 1 %). `own` and `partner` are what a slot does to its own rank and to the others wherever those are. All are fitted slot
/// by slot, in turns (alternating least squares): with the other ranks' coordinates held, a slot's four numbers are a small
/// linear regression. A ridge holds them where little was measured; it begins high, so that the strongest direction is found
/// first, and falls from round to round.
class RateEstimate {
 public:
  /// A rank without a slot yet; its effect on the others is that of its average slot.
  static constexpr std::size_t UNDECIDED = static_cast<std::size_t>(-1);

  /// @param measured of all ranks; slots are numbered from 0 to `slots` - 1.
  RateEstimate(const std::vector<TupleRates>& measured, std::size_t ranks, std::size_t slots);

  /// Bytes per second of a rank, which is decided.
  double operator()(std::size_t rank, std::span<const std::size_t> slotOfRank) const;

 private:
  static constexpr std::size_t COORDINATES = 2;
  struct Slot {
    double own = 0, partner = 0;
    std::array<double, COORDINATES> place{};
  };

  void fit(const std::vector<TupleRates>& measured, std::size_t rank, double ridge);
  /// The sum over the other ranks but `without`.
  double fromPartners(std::size_t rank, std::span<const std::size_t> slotOfRank, std::size_t without) const;

  std::vector<double> mean_;
  std::vector<std::vector<Slot>> slots_;  // by rank
  std::vector<Slot> average_;             // of each rank's slots, as partners
};

}  // namespace chunkflow
