#pragma once
// The micro-benchmark behind an ArenaSurvey.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "arena/survey.hpp"
#include "device/device.hpp"
#include "transport/transport.hpp"

namespace chunkflow {

class Session;

/// Copies to the device, timed by the device's events. Before each copy that ranks make together their copy streams meet, by
/// flags in pinned memory, so that all begin within microseconds.
class ArenaSurveyor {
 public:
  /// How often everything is measured; the median counts.
  static constexpr int REPEATS = 3;
  /// Of a slot, spread evenly over it; all of a smaller one.
  static constexpr std::uint64_t SAMPLE_BYTES = std::uint64_t{64} << 20;
  /// What a rank copies at the most in a survey, which then takes 5 to 8 s at 30 to 50 GB/s. The number of shifts follows from
  /// it; there are at least two, and at most MOST_SHIFTS.
  static constexpr std::uint64_t SURVEY_BYTES = 240'000'000'000;
  static constexpr std::size_t MOST_SHIFTS = 13;

  /// Collective.
  explicit ArenaSurveyor(Session& session);
  /// The device is idle on every rank, or the run has failed and what it waited for was let go.
  ~ArenaSurveyor();
  ArenaSurveyor(const ArenaSurveyor&) = delete;
  ArenaSurveyor& operator=(const ArenaSurveyor&) = delete;

  /// Collective. Of a pinned arena, whatever lies in it.
  ArenaSurvey survey();
  /// Collective. Whole blocks, each on all ranks at once, for each of several ways to lay them out on this rank: the slots of
  /// the arena's blocks.
  std::vector<RatesByRank> blocks(const std::vector<std::vector<std::size_t>>& layouts);

 private:
  /// A part of the arena, of which so many bytes are copied, spread evenly over it.
  struct Extent {
    const std::byte* data;
    std::uint64_t bytes, sampleBytes;
  };
  /// Copies one after another, each on all ranks at once unless one rank makes them alone.
  struct Pass {
    std::vector<Extent> extents;
    int onlyRank = ALL;
  };
  static constexpr int ALL = -1;

  Extent sampleOf(std::size_t slot) const;
  /// The slots that this rank copies from at a shift, while rank 0 goes through its groups in order.
  std::vector<std::size_t> shiftedSlots(const std::vector<std::vector<std::size_t>>& groups, std::size_t shift) const;
  /// All passes in turns, so that what changes with time changes all of them; the median of each copy's rates.
  std::vector<std::vector<double>> measure(const std::vector<Pass>& passes);
  std::size_t shiftsOf(const std::vector<std::vector<std::size_t>>& groups) const;
  /// Each copy's bytes per second.
  std::vector<double> copyAll(const Pass& pass);
  void copy(const Extent& extent);
  void meetOnDevice();

  Session& session_;
  std::unique_ptr<Staging> staging_;  // its flags; none with one rank
  std::unique_ptr<DeviceBuffer> landing_;
  std::vector<std::unique_ptr<Event>> events_;
  std::uint32_t meetings_ = 0;
};

}  // namespace chunkflow
